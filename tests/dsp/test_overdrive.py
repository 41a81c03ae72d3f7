"""Overdrive against a loop over samples written from SoX's definition."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from earmark.dsp.overdrive import overdrive


def sample_by_sample(wave: np.ndarray, gain: float, offset: float) -> np.ndarray:
    """Drive, bend, take the offset out, mix; the high-pass starts as if there had been silence for ever."""

    def bent(v: float) -> float:
        return np.sign(v) * 2 / 3 if abs(v) > 1 else v - v**3 / 3

    before, high_passed, made = bent(offset), 0.0, []
    for x in wave:
        v = bent(gain * x + offset)
        high_passed, before = v - before + 0.995 * high_passed, v
        made.append(0.5 * x + 0.75 * high_passed)
    return np.array(made)


@pytest.mark.parametrize(("gain_db", "offset"), [(2.0, 0.1), (10.0, 0.1), (10.0, 0.0), (40.0, 0.5)])
def test_it_is_the_loop_over_samples(gain_db, offset):
    wave = np.random.default_rng(0).standard_normal(3000) * 0.3
    gain = 10 ** (gain_db / 20)
    made = overdrive(torch.from_numpy(wave).float()[None], torch.tensor([3000]), torch.tensor([gain]), offset)
    np.testing.assert_allclose(made[0], sample_by_sample(wave, gain, offset), atol=2e-5)


def test_silence_stays_silence_and_padding_too():
    waves = torch.zeros(2, 1000)
    waves[1, :500] = torch.linspace(-1, 1, 500)
    made = overdrive(waves, torch.tensor([1000, 500]), torch.tensor([3.0, 3.0]), 0.1)
    assert not made[0].any() and not made[1, 500:].any() and made[1, :500].all()


def test_harmonics_are_odd_without_an_offset_and_even_ones_come_with_it():
    wave = torch.sin(2 * torch.pi * 100 * torch.arange(8000) / 8000)[None]

    def harmonics(offset: float) -> np.ndarray:
        made = overdrive(wave, torch.tensor([8000]), torch.tensor([2.0]), offset)[0, -4000:]
        return np.abs(np.fft.rfft(made.numpy()))[[50, 100, 150]] / 2000

    assert harmonics(0.0)[1] < 1e-3 < 1e-2 < harmonics(0.0)[2]
    assert harmonics(0.1)[1] > 1e-2
