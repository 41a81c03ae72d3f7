"""Pieces of a clip put elsewhere in time: what slicing, shifting, shuffling, cutting and pasting have in common.

Time is the last axis, in samples or frames. A piece is ``count`` of them from ``source`` on, and comes to lie at
``place``; where no piece comes to lie there are zeros.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor


def place_of(shares: Float[Tensor, "*n"], room: Int[Tensor, "*n"]) -> Int[Tensor, "*n"]:
    """One of the whole numbers 0 to ``room``, all as likely, from shares uniform in [0, 1).

    >>> place_of(torch.tensor([0.0, 0.5, 0.999]), torch.tensor([0, 3, 3])).tolist()
    [0, 2, 3]
    """
    # Near 1, a share times a large room is rounded up to the next whole number.
    return (shares * (room + 1)).long().minimum(room)


def moved(
    values: Float[Tensor, "batch ... time"],
    sources: Int[Tensor, "batch pieces"],
    counts: Int[Tensor, "batch pieces"],
    places: Int[Tensor, "batch pieces"],
    n: int,
) -> Float[Tensor, "batch ... n"]:
    """The values with the pieces of each clip where they are wanted, and zeros elsewhere, ``n`` long.

    Args:
        values: where the pieces come from.
        sources: where each begins there; it lies inside.
        counts: how long each is; 0 for none.
        places: where each is put, in ascending order, so that none overlaps the next and the last ends by ``n``.
        n: samples or frames of the result.

    >>> moved(torch.tensor([[1.0, 2.0, 3.0]]), *(torch.tensor([row]) for row in ([2, 0], [1, 2], [0, 2])), 5).tolist()
    [[3.0, 0.0, 1.0, 2.0, 0.0]]
    """
    if values.device.type == "cpu":
        return _copied(values, sources, counts, places, n)
    return _gathered(values, sources, counts, places, n)


def delayed(
    values: Float[Tensor, "batch ... time"], lengths: Int[Tensor, " batch"], starts: Int[Tensor, " batch"]
) -> Float[Tensor, "batch ... time"]:
    """The signal of each clip moved so that its first sample or frame lies at its start.

    What comes to lie before the time axis or behind it is cut; where there is no signal there are zeros.

    Args:
        values: more than the signal may be there, and is left out.
        lengths: how much of each clip is signal.
        starts: may be negative.

    >>> values = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 0.0]])
    >>> delayed(values, torch.tensor([3, 2]), torch.tensor([-1, 2])).tolist()
    [[2.0, 3.0, 0.0], [0.0, 0.0, 4.0]]
    """
    n = values.shape[-1]
    sources = (-starts).clamp(min=0)
    counts = (torch.minimum(lengths, n - starts) - sources).clamp(min=0)
    return moved(values, sources[:, None], counts[:, None], starts.clamp(0, n)[:, None], n)


def _copied(values: Tensor, sources: Tensor, counts: Tensor, places: Tensor, n: int) -> Tensor:
    """Piece by piece, which is as fast as memory, where asking how long a piece is costs nothing."""
    made = values.new_zeros(*values.shape[:-1], n)
    pieces = torch.stack([sources, counts, places], dim=-1).tolist()
    for clip, (was, of_clip) in zip(made, zip(values, pieces, strict=True), strict=True):
        for source, count, place in of_clip:
            clip[..., place : place + count] = was[..., source : source + count]
    return made


def _gathered(values: Tensor, sources: Tensor, counts: Tensor, places: Tensor, n: int) -> Tensor:
    """All at once, where each value looks up where it comes from."""
    time = torch.arange(n, device=values.device).repeat(values.shape[0], 1)
    # The last piece that begins no later; of several that begin at once, all but the last are empty.
    piece = (torch.searchsorted(places.contiguous(), time, right=True) - 1).clamp(min=0)
    after = time - places.gather(1, piece)
    inside = (after >= 0) & (after < counts.gather(1, piece))
    origins = torch.where(inside, sources.gather(1, piece) + after, 0)
    shape = (values.shape[0], *[1] * (values.ndim - 2), n)
    made = values.gather(-1, origins.view(shape).expand(*values.shape[:-1], n))
    return made.masked_fill(~inside.view(shape), 0.0)
