"""Numbers along time or bands to multiply clips with: stretches of ones, and how they are broadcast."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from earmark.dsp.pieces import delayed


def segment(starts: Int[Tensor, " batch"], widths: Int[Tensor, " batch"], n: int) -> Float[Tensor, "batch n"]:
    """1 from each start on, for as many of ``n`` samples or frames as the segment is wide, and 0 elsewhere.

    Numbers instead of true and false, because a processor multiplies many times faster than it chooses.

    >>> segment(torch.tensor([1, -1]), torch.tensor([1, 3]), 3).tolist()
    [[0.0, 1.0, 0.0], [1.0, 1.0, 0.0]]
    """
    return delayed(torch.ones(len(starts), n, device=starts.device), widths, starts)


def along(row: Tensor, values: Tensor) -> Tensor:
    """Numbers [batch] or [batch, time] in a shape that broadcasts against values [batch, ..., time]."""
    return row.view(row.shape[0], *[1] * (values.ndim - row.ndim), *row.shape[1:])
