"""Waves with fewer steps, as coders for speech and old samplers have them. Full scale is -1 to 1."""

from __future__ import annotations

import math
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor

Steps = Literal["linear", "mu_law"]

_MU = 255.0


def quantised(
    waves: Float[Tensor, "batch samples"], bits: Int[Tensor, " batch"], steps: Steps = "linear"
) -> Float[Tensor, "batch samples"]:
    """The waves rounded to ``2^bits - 1`` steps, one of them zero; what is beyond full scale is clipped.

    Args:
        waves: any number of samples.
        bits: for each clip, from 2 on.
        steps: all of one size, or by the mu-law (ITU-T G.711, mu = 255): fine for soft sounds, coarse for loud ones.

    >>> quantised(torch.tensor([[0.0, 0.4, -0.9, 3.0]]), torch.tensor([2])).tolist()
    [[0.0, 0.0, -1.0, 1.0]]
    """
    n = (2.0 ** (bits - 1) - 1.0)[:, None].to(waves.dtype)
    waves = waves.clamp(-1.0, 1.0)
    if steps == "linear":
        return torch.round(waves * n) / n
    bent = torch.round(torch.log1p(_MU * waves.abs()) * (n / math.log1p(_MU))) / n
    return torch.expm1(bent * math.log1p(_MU)) / _MU * waves.sign()
