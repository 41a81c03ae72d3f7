"""Nets written plainly, to compare with: how their weights are given to them, and how large published nets are."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from earmark.core.spec import Spec
from earmark.models.encoders.encoder import Encoder
from earmark.models.heads.head import Head
from earmark.models.network import ModelSettings, Network


def published(encoder: Encoder, head: dict[str, Any], spec: Spec) -> Network:
    """A network of a size that is only counted, for 80 classes."""
    with torch.device("meta"):
        return ModelSettings(encoder=encoder, heads={"main": Head._read(head)}).build(spec, 80)


def shared(module: nn.Module, plain: nn.Module) -> nn.Module:
    """The plain module with the weights of the other, which has them in the same order."""
    given, taken = module.state_dict(), plain.state_dict()
    assert len(given) == len(taken)
    plain.load_state_dict({n: g.reshape(t.shape) for (n, t), g in zip(taken.items(), given.values(), strict=True)})
    return plain.eval()


def noise(*shape: int) -> torch.Tensor:
    """The same values each time."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))
