"""Per-channel energy normalisation: each band divided by its own recent level, then compressed.

Values are a spectrogram [..., freq, time] of numbers from 0 up. Nothing looks ahead, so zeros behind a clip change
nothing in it.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from earmark.dsp.recursion import running_sum

Start = float | Literal["first"]


def smoothing(time_constant_frames: float) -> float:
    """The share of a new frame in a level that is smoothed over so many frames (Lostanlen et al. 2019, as in librosa).

    >>> round(smoothing(1.0), 6)
    0.618034
    """
    # The root of b² T² + b - 1, in the form that also holds for very short times.
    return 2.0 / (math.sqrt(1.0 + 4.0 * time_constant_frames**2) + 1.0)


def smoothed(values: Float[Tensor, "... time"], share: float, start: Start = 1.0) -> Float[Tensor, "... time"]:
    """``m[t] = (1 - share) m[t - 1] + share x[t]``.

    Args:
        share: of the new frame, 0 to 1.
        start: the level before the first frame; ``first``: that of the first frame.
    """
    before = values[..., :1] if start == "first" else values.new_full((1,), start)
    return running_sum(values * share, 1.0 - share, before)


def pcen(
    values: Float[Tensor, "... time"],
    time_constant_frames: float,
    gain: float = 0.98,
    bias: float = 2.0,
    power: float = 0.5,
    eps: float = 1e-6,
    start: Start = 1.0,
) -> Float[Tensor, "... time"]:
    """``(x / (eps + m) ** gain + bias) ** power - bias ** power``, where m is x smoothed over time.

    Y. Wang, P. Getreuer, T. Hughes, R. F. Lyon and R. A. Saurous, "Trainable frontend for robust and far-field keyword
    spotting" (2017); agrees with ``librosa.pcen``.

    Args:
        time_constant_frames: over how many frames the level is smoothed.
        gain: how much of the level is taken out, 0 to 1.
        bias: what is added before the power is taken; above 0.
        power: the exponent; 0 stands for ``log(1 + x / (eps + m) ** gain)``.
        eps: the level below which everything counts as silence; above 0.
        start: the level before the first frame; ``first``: that of the first frame.
    """
    level = smoothed(values, smoothing(time_constant_frames), start)
    tamed = values * torch.exp(-gain * torch.log(level + eps))
    if power == 0:
        return torch.log1p(tamed)
    if power == 0.5:  # The same by algebra, as exact near zero, and without a logarithm and an exponential.
        share = tamed / bias
        return share / (torch.sqrt(1.0 + share) + 1.0) * math.sqrt(bias)
    return torch.expm1(power * torch.log1p(tamed / bias)) * float(bias**power)
