"""A last layer that answers by angles: how near a clip's vector points to that of each class."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from earmark.dsp.precision import in_full


class CosineLinear(nn.Module):
    """``scale · cos(angle)`` between what comes in and the vector of each class; lengths do not matter, and no bias.

    As ArcFace has it (J. Deng et al., 2019); worked out in float32, since a cosine near 1 has few digits to spare.

    Args:
        n_in: numbers that come in.
        n_out: classes.
        scale: what cosines are multiplied by, so that logits may lie between its negative and itself.
    """

    def __init__(self, n_in: int, n_out: int, scale: float) -> None:
        super().__init__()
        self.scale = scale
        self.weight = nn.Parameter(torch.empty(n_out, n_in))
        nn.init.xavier_uniform_(self.weight)

    def forward(self, pooled: Tensor) -> Tensor:
        """Logits [batch, classes] from [batch, n_in]; of zeros they are 0."""
        with in_full(pooled.device):
            ours, theirs = F.normalize(pooled.float(), dim=1), F.normalize(self.weight.float(), dim=1)
            return self.scale * F.linear(ours, theirs)
