"""Rounding: how many steps, how much noise."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from earmark.dsp.quantise import quantised


def sine(amplitude: float) -> torch.Tensor:
    return (amplitude * torch.sin(torch.arange(100_000, dtype=torch.float64) * 0.12345678)).float()[None]


def snr_db(wave: torch.Tensor, bits: int, steps) -> float:
    noise = quantised(wave, torch.tensor([bits]), steps) - wave
    return float(10 * torch.log10(wave.double().square().sum() / noise.double().square().sum()))


@pytest.mark.parametrize("bits", [8, 10, 12])
def test_a_bit_is_worth_six_decibels(bits):
    # The largest sine has 6.02 b + 1.76 dB on 2^b steps, and here they are 2^b - 2 steps of the same width.
    assert snr_db(sine(1.0), bits, "linear") == pytest.approx(1.76 + 20 * np.log10(2**bits - 2), abs=0.3)
    assert snr_db(sine(0.1), 12, "linear") == pytest.approx(snr_db(sine(1.0), 12, "linear") - 20, abs=0.3)


def test_by_the_mu_law_soft_sounds_are_as_clear_as_loud_ones():
    found = [snr_db(sine(amplitude), 8, "mu_law") for amplitude in (1.0, 0.3, 0.1, 0.03)]
    assert all(36 < each < 40 for each in found)


@pytest.mark.parametrize("steps", ["linear", "mu_law"])
def test_steps_are_counted_symmetric_and_clipped_at_full_scale(steps):
    waves = torch.linspace(-1.5, 1.5, 9001).repeat(3, 1)
    bits = torch.tensor([2, 4, 6])
    out = quantised(waves, bits, steps)
    assert [len(row.unique()) for row in out] == [3, 15, 63]
    assert torch.equal(out, -out.flip(1))
    assert bool((out[:, waves[0] > 1] - 1).abs().max() < 1e-6)
    assert not quantised(torch.zeros(1, 5), torch.tensor([8]), steps).any()
    # Rounding again changes nothing.
    torch.testing.assert_close(quantised(out, bits, steps), out, rtol=1e-5, atol=1e-6)
