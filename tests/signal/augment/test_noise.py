"""Noise beside a signal, as the settings ask for it."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.signal
import soundfile
import torch

from earmark.core.batch import Batch, waves
from earmark.core.errors import SettingsError
from earmark.core.settings import read
from earmark.signal.augment.wave.noise import Noise

RATE_HZ = 16000.0


def tones(n: int, n_samples: int = 16000, short: int = 5000) -> Batch:
    lengths = torch.tensor([n_samples, short]).repeat(n // 2)
    values = 0.1 * torch.sin(torch.arange(n_samples) * 0.3).repeat(n, 1) * (torch.arange(n_samples) < lengths[:, None])
    return waves(values, lengths, RATE_HZ, tuple(map(str, range(n))), 1)


def added(step: Noise, batch: Batch, seed: int = 0) -> torch.Tensor:
    return step.apply(batch, step.draw(batch, torch.Generator().manual_seed(seed))).values - batch.values


def snr_db(batch: Batch, noise: torch.Tensor) -> np.ndarray:
    return (10 * torch.log10(batch.values.square().sum(dim=1) / noise.square().sum(dim=1))).numpy()


@pytest.mark.parametrize("colour", ["white", "pink", "violet"])
def test_ratios_are_even_over_their_range_and_measured_over_the_clip(colour):
    batch = tones(200)
    found = np.sort(snr_db(batch, added(Noise(p=1, low_db=-5, high_db=25, colour=colour), batch)))
    assert abs(found - np.linspace(-5, 25, 200)).max() < 4
    fixed = snr_db(batch, added(Noise(p=1, low_db=7, high_db=7, colour=colour), batch))
    np.testing.assert_allclose(fixed, 7, atol=0.01)


def test_p_says_how_many_get_noise_and_each_gets_its_own():
    batch = tones(1000, 100, 50)
    noise = added(Noise(p=0.4), batch)
    assert float(noise.any(dim=1).float().mean()) == pytest.approx(0.4, abs=0.05)
    noise = added(Noise(p=1, low_db=0, high_db=0), tones(20))
    likeness = np.corrcoef(noise[::2].numpy()) - np.eye(10)
    assert abs(likeness).max() < 0.05


@pytest.mark.parametrize(
    ("colour", "low", "high"), [("white", 0, 0), ("brown", 2, 2), ("blue", -1, -1), ([0.5, 1.5], 0.5, 1.5)]
)
def test_colours_are_those_of_their_names_or_of_the_range(colour, low, high):
    batch = tones(16)
    noise = added(read(Noise, {"p": 1, "colour": colour, "low_db": 0, "high_db": 0}), batch)[::2].numpy()
    hz, power = scipy.signal.welch(noise, RATE_HZ, nperseg=2048)
    middle = (hz > 100) & (hz < 7000)
    slopes = -np.polyfit(np.log10(hz[middle]), np.log10(power[:, middle]).T, 1, w=1 / hz[middle] ** 0.5)[0]
    assert (slopes > low - 0.35).all() and (slopes < high + 0.35).all()
    assert (slopes.max() - slopes.min() > 0.4) == (low != high)


def test_silent_clips_stay_silent_and_padding_stays_padding():
    batch = tones(4)
    batch.values[0] = 0.0
    noise = added(Noise(p=1, colour="pink"), batch)
    assert not noise[0].any() and noise[2].any()
    assert not noise[1::2, 5000:].any()


def test_a_real_clip_gets_the_ratio_that_was_asked_for(shared_data):
    path = min((shared_data / "fsdmini" / "train_curated").glob("*.ogg"))
    wave, rate_hz = soundfile.read(path, dtype="float32")
    values = torch.from_numpy(wave if wave.ndim == 1 else wave[:, 0])[None]
    batch = waves(values, torch.tensor([values.shape[1]]), float(rate_hz), ("clip",), 1)
    noise = added(Noise(p=1, colour="pink", low_db=12, high_db=12), batch)
    np.testing.assert_allclose(snr_db(batch, noise), 12, atol=0.05)


def test_settings_without_meaning_are_refused():
    with pytest.raises(SettingsError, match="low_db must not be above high_db, got 50 and 40"):
        read(Noise, {"low_db": 50})
    with pytest.raises(SettingsError, match="a range of colours must go from low to high between -4 and 4, got 2 to 1"):
        read(Noise, {"colour": [2, 1]})
    with pytest.raises(SettingsError, match="colour"):
        read(Noise, {"colour": "green"})
