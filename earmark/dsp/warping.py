"""Pictures read at other places than their own rows and frames: what scales, warps, flips and stacks have in common.

Places are counted from 0 in rows or frames and may lie between two of them. Every clip has places of its own and
reads only within its own length, so it does not matter how far the batch is padded.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

FREQ, TIME = 2, 3
"""The axes of [batch, channels, freq, time] along which pictures are read anew."""


def between(
    values: Float[Tensor, "batch channels freq time"],
    places: Float[Tensor, "batch n"],
    counts: Int[Tensor, " batch"],
    axis: int,
) -> Float[Tensor, "batch channels _ _"]:
    """The values at some places along an axis, linearly interpolated between neighbours.

    Args:
        places: where to read; what lies beyond the first or the last is read there.
        counts: how many rows or frames of each clip there are, from 1 on.
        axis: `FREQ` or `TIME`; it has as many rows or frames as there are places, afterwards.

    >>> values = torch.tensor([0.0, 10.0, 20.0, 0.0]).view(1, 1, 1, 4)
    >>> between(values, torch.tensor([[-1.0, 0.5, 2.0, 2.9]]), torch.tensor([3]), TIME).flatten().tolist()
    [0.0, 5.0, 20.0, 20.0]
    """
    last = (counts - 1).clamp(min=0)[:, None]
    places = torch.minimum(places.clamp(min=0), last)
    low = places.long()
    share = (places - low).to(values.dtype)
    high = torch.minimum(low + 1, last)
    return torch.lerp(taken(values, low, axis), taken(values, high, axis), _along(share, axis))


def taken(
    values: Float[Tensor, "batch channels freq time"], index: Int[Tensor, "batch n"], axis: int
) -> Float[Tensor, "batch channels _ _"]:
    """Rows or frames in another order, each clip by its own."""
    n, channels, bands, frames = values.shape
    if axis == TIME:
        return values.gather(TIME, _along(index, TIME).expand(-1, channels, bands, -1))
    # A row of bands lies in one piece, and is copied so.
    pictures = torch.arange(n * channels, device=values.device).view(n, channels, 1) * bands
    rows = (pictures + index[:, None, :]).flatten()
    return values.reshape(-1, frames).index_select(0, rows).view(n, channels, -1, frames)


def in_bands(
    values: Float[Tensor, "batch channels freq time"], n_bands: int
) -> Float[Tensor, "batch channels bands time"]:
    """The values at so many rows, evenly from the lowest to the highest, which stay what they are.

    Where there are many more rows than asked for, most are passed over: nothing is averaged.

    >>> in_bands(torch.tensor([0.0, 2.0, 4.0]).view(1, 1, 3, 1), 5).flatten().tolist()
    [0.0, 1.0, 2.0, 3.0, 4.0]
    """
    if n_bands == values.shape[FREQ]:
        return values
    return functional.interpolate(values, size=(n_bands, values.shape[TIME]), mode="bilinear", align_corners=True)


def bent(
    places: Float[Tensor, " n"],
    source: Float[Tensor, " batch"],
    goal: Float[Tensor, " batch"],
    end: Float[Tensor, " batch"] | Int[Tensor, " batch"],
) -> Float[Tensor, "batch n"]:
    """Where to read, for each place, so that what was at ``source`` comes to ``goal`` while 0 and ``end`` stay.

    Both sides are stretched evenly. With a goal at or beyond the end there is no other side: all is stretched alike.

    >>> bent(torch.arange(5.0), torch.tensor([1.0]), torch.tensor([2.0]), torch.tensor([4])).tolist()
    [[0.0, 0.5, 1.0, 2.5, 4.0]]
    """
    source, goal, end = source[:, None], goal[:, None], end[:, None]
    tiny = 1e-3  # No place lies on a side as short as that; it only must not divide by zero.
    below = places * (source / goal.clamp(min=tiny))
    above = source + (places - goal) * ((end - source) / (end - goal).clamp(min=tiny))
    return torch.where(places < goal, below, above)


def _along(numbers: Tensor, axis: int) -> Tensor:
    """Numbers [batch, n] in a shape that broadcasts against pictures."""
    return numbers[:, None, :, None] if axis == FREQ else numbers[:, None, None, :]
