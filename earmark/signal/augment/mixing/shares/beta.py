"""Shares by the Beta law."""

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from earmark.signal.augment.laws import beta
from earmark.signal.augment.mixing.shares.share import Share


class Beta(Share, kind="beta"):
    """Shares from Beta(alpha, alpha), as mixup has them (H. Zhang et al., 2018)."""

    alpha: Annotated[float, Field(gt=0)] = 1.0
    """1 is even, below 1 one of the two prevails, above they are alike."""
    larger: bool = False
    """Whether the clip always keeps the larger part, max(share, 1 - share), as in the fast.ai library."""

    def draw(self, n: int, chance: torch.Generator) -> Tensor:
        share = beta(self.alpha, n, chance)
        return torch.maximum(share, 1.0 - share) if self.larger else share
