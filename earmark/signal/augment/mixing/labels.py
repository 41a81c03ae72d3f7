"""What is known about a mixture, given what is known about its two clips."""

from __future__ import annotations

from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor

from earmark.core.batch import Batch

Labels = Literal["linear", "union"]
"""How targets are mixed: like the sound, or present wherever either clip has them (whoever hears both tags both)."""


def labels_of(own: Batch, mate: Batch, rule: Labels, share: Float[Tensor, " batch"] | None = None) -> dict[str, Any]:
    """The targets, known and weights of mixtures, for `Batch.changed`.

    A target is known where both clips know it and, in a union, where one of them surely has the class. A clip that
    has no share at all has no say. Weights are mixed like the sound under either rule.

    Args:
        own, mate: the two clips of each mixture.
        share: how much of the mixture is ``own``, in [0, 1]; None: half.
    """
    share = torch.full_like(own.weights, 0.5) if share is None else share.to(own.weights.dtype)
    part = share[:, None]
    own_heard, mate_heard = part > 0, part < 1
    known = (own.known | ~own_heard) & (mate.known | ~mate_heard)
    if rule == "linear":
        targets = torch.lerp(mate.targets, own.targets, part)
    else:
        claims = torch.maximum(own.targets * (own.known & own_heard), mate.targets * (mate.known & mate_heard))
        known = known | (claims >= 1)
        targets = torch.where(known, claims, own.targets)
    return {"targets": targets, "known": known, "weights": torch.lerp(mate.weights, own.weights, share)}
