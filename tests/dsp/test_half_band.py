"""Halving the rate of waves, against plain convolution and in what passes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

from earmark.dsp.half_band import MARGIN, half_band_matrix, halved

MATRIX = half_band_matrix()
TAPS = np.zeros(127)
TAPS[0::2] = MATRIX[:64, 0]
TAPS[63] = 0.5


@pytest.mark.parametrize("n", [1, 2, 63, 64, 127, 128, 1000, 1001])
def test_it_is_every_other_sample_of_a_convolution(n):
    wave = torch.randn(2, n, generator=torch.Generator().manual_seed(n))
    made = halved(functional.pad(wave, (MARGIN, MARGIN)), MATRIX)
    assert made.shape == (2, (n + 1) // 2 + 2 * MARGIN)
    whole = np.pad(np.convolve(wave[1].double(), TAPS), 2 * MARGIN)  # Sample 0 is at 63 and the padding.
    np.testing.assert_allclose(made[1], whole[63::2][: made.shape[1]], atol=1e-6)


def test_the_margin_holds_everything_however_often_the_rate_is_halved():
    waves = functional.pad(torch.randn(1, 5000, generator=torch.Generator().manual_seed(0)), (MARGIN, MARGIN))
    wider = functional.pad(waves, (8 * MARGIN, 8 * MARGIN))
    for halving in range(1, 4):
        waves, wider = halved(waves, MATRIX), halved(wider, MATRIX)
        extra = 8 * MARGIN >> halving
        behind = wider.shape[1] - waves.shape[1] - extra
        torch.testing.assert_close(wider, functional.pad(waves, (extra, behind)))


def test_what_is_below_passes_and_what_is_above_stops():
    response = np.abs(np.fft.rfft(TAPS, 1 << 14))
    hz = np.arange(len(response)) / (1 << 14)  # Of the rate before; the rate after is half of that.
    np.testing.assert_allclose(response[hz <= 0.44 / 2], 1.0, atol=1e-5)
    assert response[hz >= 0.5 - 0.44 / 2].max() < 1e-5
