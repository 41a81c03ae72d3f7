"""The cosine transform along frequency, as matrices to multiply a spectrogram [..., freq, time] with from the left."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor


def cosines(n_bands: int, n_coefficients: int, ortho: bool = True) -> Float[Tensor, "coefficients bands"]:
    """The first rows of the DCT-II, as ``scipy.fft.dct`` has it; computed in float64, given in float32.

    Args:
        n_bands: how many values are transformed.
        n_coefficients: how many come out, at most as many.
        ortho: whether the rows have length 1, as ``norm="ortho"`` gives them.

    >>> cosines(4, 1).tolist()
    [[0.5, 0.5, 0.5, 0.5]]
    """
    row = torch.arange(n_coefficients, dtype=torch.float64)[:, None]
    rows = 2.0 * torch.cos(math.pi * row * (torch.arange(n_bands, dtype=torch.float64) + 0.5) / n_bands)
    if ortho:
        rows *= torch.where(row == 0, math.sqrt(0.25 / n_bands), math.sqrt(0.5 / n_bands))
    return rows.to(torch.float32)


def lifter(n_coefficients: int, length: float) -> Float[Tensor, " coefficients"]:
    """``1 + length / 2 sin(pi (i + 1) / length)``: the weights that lift coefficients whose variance is small.

    Args:
        n_coefficients: how many weights.
        length: after how many coefficients the sine is back at zero; 0 for no weighting.

    >>> lifter(3, 2.0).tolist()
    [2.0, 1.0, 0.0]
    """
    if length == 0:
        return torch.ones(n_coefficients)
    place = torch.arange(1, n_coefficients + 1, dtype=torch.float64)
    return (1.0 + length / 2.0 * torch.sin(math.pi * place / length)).to(torch.float32)
