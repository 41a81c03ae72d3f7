"""Derivatives along time by a smoothing filter (A. Savitzky and M. J. E. Golay, 1964)."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from earmark.dsp.padding import signal_of


def derivative_taps(width_frames: int, order: int) -> tuple[float, ...]:
    """What neighbouring frames are multiplied with to get the derivative in their middle.

    It is that of the line (order 1) or parabola (order 2) that fits them best in least squares.

    Args:
        width_frames: how many frames; odd, at least 3.
        order: 1 or 2.

    >>> derivative_taps(3, 1)
    (-0.5, 0.0, 0.5)
    """
    place = torch.arange(width_frames, dtype=torch.float64) - width_frames // 2
    if order == 2:
        place = place.square() - place.square().mean()
    return tuple((order * place / place.square().sum()).tolist())


def held(
    values: Float[Tensor, "batch channels freq time"], n_frames: int, lengths: Int[Tensor, " batch"] | None = None
) -> Float[Tensor, "batch channels freq longer"]:
    """The values with so many frames more on both sides, where the first and last frame of each clip go on.

    Args:
        lengths: frames of signal, from 1 on; none where all are.
    """
    if lengths is not None:
        ends = (lengths - 1).view(-1, 1, 1, 1).expand(*values.shape[:3], 1)
        values = torch.where(signal_of(values, lengths), values, values.gather(-1, ends))
    longer = functional.pad(values.flatten(0, 1), (n_frames, n_frames), mode="replicate")
    return longer.view(*values.shape[:3], -1)


def filtered(longer: Float[Tensor, "... longer"], taps: tuple[float, ...]) -> Float[Tensor, "... time"]:
    """The sums of neighbouring frames times the taps, wherever all the neighbours are there.

    >>> filtered(torch.tensor([1.0, 2.0, 4.0, 7.0]), (-0.5, 0.0, 0.5)).tolist()
    [1.5, 2.5]
    """
    n = longer.shape[-1] - len(taps) + 1
    made = longer[..., :n] * taps[0]
    for place, tap in enumerate(taps[1:], start=1):
        if tap:
            made.add_(longer[..., place : place + n], alpha=tap)
    return made
