"""Tones, and where the loudest one of a sound lies."""

from __future__ import annotations

import numpy as np
import torch

_N_FFT = 1 << 19


def tone(hz: float, rate_hz: float, seconds: float = 2.0) -> torch.Tensor:
    """A sine of amplitude 1 [samples]."""
    time = torch.arange(round(seconds * rate_hz), dtype=torch.float64) / rate_hz
    return torch.sin(2 * torch.pi * hz * time).float()


def loudest_hz(wave: torch.Tensor, rate_hz: float) -> float:
    """The frequency of the largest peak of the spectrum, between bins."""
    level = np.log(np.abs(np.fft.rfft(wave.double().numpy() * np.hanning(len(wave)), _N_FFT)) + 1e-12)
    k = int(level.argmax())
    left, top, right = level[k - 1 : k + 2]
    return (k + (left - right) / (2 * (left - 2 * top + right))) * rate_hz / _N_FFT
