"""Compression of levels: decibels and logarithms, each clip for itself.

Input is a power or magnitude spectrogram [batch, ...] of numbers from 0 up; padding that is zero comes out at the
floor like any silence and never touches the maximum of a clip, so no lengths are needed here.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

Reference = float | Literal["peak"]


def power_to_db(
    power: Float[Tensor, "batch ..."],
    amin: float = 1e-10,
    top_db: float | None = 80.0,
    reference: Reference = 1.0,
) -> Float[Tensor, "batch ..."]:
    """``10 log10(power / reference)``, as ``librosa.power_to_db`` has it for a clip alone.

    Args:
        power: 0 and up.
        amin: power below this counts as this; it keeps silence finite.
        top_db: levels more than this below the loudest of the same clip are raised to there; None leaves them.
        reference: the power that becomes 0 dB, or ``peak``: the largest of each clip.

    >>> power_to_db(torch.tensor([[1.0, 0.1, 0.0]])).tolist()
    [[0.0, -10.0, -80.0]]
    """
    axes = tuple(range(1, power.ndim))
    level = 10.0 * torch.log10(power.clamp(min=amin))
    if reference == "peak":
        level = level - level.amax(dim=axes, keepdim=True)
    elif reference != 1.0:
        level = level - 10.0 * math.log10(max(reference, amin))
    if top_db is None:
        return level
    return torch.maximum(level, level.amax(dim=axes, keepdim=True) - top_db)


def log_offset(values: Tensor, offset: float) -> Tensor:
    """``log(values + offset)``, the natural logarithm; the offset (above 0) keeps silence finite.

    >>> log_offset(torch.tensor([0.0]), 1.0).tolist()
    [0.0]
    """
    return torch.log(values + offset)
