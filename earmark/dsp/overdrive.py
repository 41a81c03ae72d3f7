"""Overdrive: a soft clipping that is a little off centre, mixed with the sound as it was."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from earmark.dsp.clipwise import clipwise
from earmark.dsp.precision import in_full
from earmark.dsp.recursion import running_sum

_KEEP = 0.995


def overdrive(
    waves: Float[Tensor, "batch samples"],
    lengths: Int[Tensor, " batch"],
    gains: Float[Tensor, " batch"],
    offset: float,
) -> Float[Tensor, "batch samples"]:
    """``0.5 x + 0.75 highpass(bent(gain x + offset))``, where ``bent(v) = v - v^3 / 3`` for v within ±1.

    The gain drives the wave into the bend and the offset makes the bend lopsided, which adds even harmonics. The
    high-pass ``y[t] = v[t] - v[t - 1] + 0.995 y[t - 1]`` (35 Hz at 44.1 kHz) takes the offset out again. SoX does the
    same, but for the beginning: its high-pass starts at zero and lets the offset through as a thump, this one starts
    as if the offset had always been there, so silence stays silence.

    Args:
        waves: full scale at ±1; what comes out may be louder and is not clipped.
        lengths: samples of signal.
        gains: amplitude factors.
        offset: what is added, from 0 on.
    """
    return clipwise(lambda part, some: _overdriven(part, gains[some.rows], offset), waves, lengths)


def _overdriven(waves: Tensor, gains: Tensor, offset: float) -> Tensor:
    """All clips at once, without regard to lengths."""
    driven = (gains[:, None] * waves + offset).clamp_(-1.0, 1.0)
    bent = torch.addcmul(driven, driven.square(), driven, value=-1 / 3) - (offset - offset**3 / 3)
    with in_full(waves.device):
        # y[t] = s[t] - s[t - 1] of the running sum s[t] = v[t] + 0.995 s[t - 1], without the small difference.
        sums = running_sum(bent, _KEEP, bent.new_zeros(bent.shape[0], 1))
    bent[:, 1:] -= (1.0 - _KEEP) * sums[:, :-1]
    return bent.mul_(0.75).add_(waves, alpha=0.5)
