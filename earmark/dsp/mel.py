"""The mel scale and its triangular filters.

Frequencies are in Hz. Two scales are in use: *slaney* (linear up to 1 kHz, logarithmic above; M. Slaney, Auditory
Toolbox, 1998; what librosa does by default) and *htk* (``2595 log10(1 + f / 700)``; the HTK book, 2006).
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from earmark.core.errors import SettingsError

MelScale = Literal["slaney", "htk"]

_KNEE_HZ = 1000.0
_HZ_PER_MEL = 200.0 / 3.0
_KNEE_MEL = _KNEE_HZ / _HZ_PER_MEL
_LOG_STEP = math.log(6.4) / 27.0


def hz_to_mel(hz: Float[Tensor, "*n"], scale: MelScale = "slaney") -> Float[Tensor, "*n"]:
    """Where frequencies lie on the mel scale.

    >>> hz_to_mel(torch.tensor([0.0, 1000.0])).tolist()
    [0.0, 15.0]
    """
    if scale == "htk":
        return 2595.0 * torch.log10(1.0 + hz / 700.0)
    above = _KNEE_MEL + torch.log(hz.clamp(min=_KNEE_HZ) / _KNEE_HZ) / _LOG_STEP
    return torch.where(hz < _KNEE_HZ, hz / _HZ_PER_MEL, above)


def mel_to_hz(mel: Float[Tensor, "*n"], scale: MelScale = "slaney") -> Float[Tensor, "*n"]:
    """The frequencies at places on the mel scale; undoes `hz_to_mel`."""
    if scale == "htk":
        return 700.0 * (10.0 ** (mel / 2595.0) - 1.0)
    above = _KNEE_HZ * torch.exp(_LOG_STEP * (mel.clamp(min=_KNEE_MEL) - _KNEE_MEL))
    return torch.where(mel < _KNEE_MEL, mel * _HZ_PER_MEL, above)


def mel_corners(
    n_mels: int, fmin_hz: float, fmax_hz: float, scale: MelScale = "slaney"
) -> Float[Tensor, " mels_and_two"]:
    """Frequencies in Hz at equal distances on the mel scale: band i goes from corner i over i + 1 to i + 2; float64."""
    ends = hz_to_mel(torch.tensor([fmin_hz, fmax_hz], dtype=torch.float64), scale)
    return mel_to_hz(torch.linspace(float(ends[0]), float(ends[1]), n_mels + 2, dtype=torch.float64), scale)


def mel_filters(
    rate_hz: float,
    n_fft: int,
    n_mels: int,
    fmin_hz: float,
    fmax_hz: float,
    scale: MelScale = "slaney",
    area_norm: bool = True,
) -> Float[Tensor, "mels freq"]:
    """Triangles at equal distances on the mel scale, as a matrix that maps FFT bins to mel bands.

    Computed in float64, given in float32; agrees with ``librosa.filters.mel``.

    Args:
        rate_hz: samples in a second.
        n_fft: samples of the FFT.
        n_mels: how many bands.
        fmin_hz: where the lowest triangle starts.
        fmax_hz: where the highest triangle ends, at most half the rate.
        scale: slaney or htk.
        area_norm: every triangle has the same area (as librosa has it), not the same height.

    Raises:
        SettingsError: the range does not fit the rate, or a band is so narrow that no FFT bin falls into it (it would
            be zero whatever sounds).
    """
    if fmax_hz > rate_hz / 2:
        raise SettingsError(
            f"mel bands up to {fmax_hz:g} Hz need audio of at least {2 * fmax_hz:g} Hz, got {rate_hz:g} Hz; "
            "lower fmax_hz (or leave it out: it is then half the rate)"
        )
    if not 0 <= fmin_hz < fmax_hz:
        raise SettingsError(
            f"mel bands must go from a lower to a higher frequency, got {fmin_hz:g} to {fmax_hz:g} Hz; lower fmin_hz"
        )
    corners = mel_corners(n_mels, fmin_hz, fmax_hz, scale)
    bins = torch.arange(n_fft // 2 + 1, dtype=torch.float64) * (rate_hz / n_fft)
    low, middle, high = (corners[i : n_mels + i, None] for i in range(3))
    filters = torch.minimum((bins - low) / (middle - low), (high - bins) / (high - middle)).clamp(min=0.0)
    if area_norm:
        filters = filters * (2.0 / (high - low))
    n_empty = int((filters.amax(dim=1) == 0).sum())
    if n_empty:
        raise SettingsError(
            f"{n_mels} mel bands from {fmin_hz:g} to {fmax_hz:g} Hz are too many for an FFT of {n_fft} samples at "
            f"{rate_hz:g} Hz: {n_empty} of them would always be empty; take fewer bands or a longer FFT"
        )
    return filters.to(torch.float32)
