"""Waves found again from their magnitudes."""

from __future__ import annotations

import torch

from earmark.dsp.griffin_lim import griffin_lim, unfolded
from earmark.dsp.mel import mel_filters
from earmark.dsp.stft import stft, window

WINDOW = window("hann", 512)


def chirp() -> torch.Tensor:
    time = torch.arange(16000) / 16000
    return (0.5 * torch.sin(2 * torch.pi * (300 + 1500 * time) * time))[None]


def test_the_magnitudes_of_what_is_found_are_those_asked_for():
    magnitude = stft(chirp(), 512, 128, WINDOW).abs()
    found = griffin_lim(magnitude, WINDOW, 128, 16000)
    error = (stft(found, 512, 128, WINDOW).abs() - magnitude).norm() / magnitude.norm()
    assert found.shape == (1, 16000) and float(error) < 0.1
    plain = griffin_lim(magnitude, WINDOW, 128, 16000, n_rounds=1)
    assert float((stft(plain, 512, 128, WINDOW).abs() - magnitude).norm() / magnitude.norm()) > float(error)


def test_it_is_the_same_every_time_and_silence_is_silent():
    magnitude = stft(chirp(), 512, 128, WINDOW).abs()
    assert torch.equal(*(griffin_lim(magnitude, WINDOW, 128, 16000, n_rounds=2) for _ in range(2)))
    assert not griffin_lim(torch.zeros_like(magnitude), WINDOW, 128, 16000).any()


def test_bands_of_the_unfolded_spectrum_come_near_the_bands():
    filters = mel_filters(16000, 512, 40, 0.0, 8000.0)
    power = stft(chirp(), 512, 128, WINDOW).abs().square()
    bands = filters @ power
    again = filters @ unfolded(bands, filters)
    assert float((again - bands).norm() / bands.norm()) < 0.1
