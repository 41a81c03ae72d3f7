"""Reading faster and slower, against soxr and scipy, and by what happens to tones."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.signal
import soxr
import torch

from earmark.dsp import resample as module
from earmark.dsp.resample import n_resampled, resample


def at_once(wave: np.ndarray, factor: float) -> np.ndarray:
    """By the windowed sinc, as an accelerator and a gradient have it."""
    n = int(n_resampled(torch.tensor([len(wave)]), one(factor)))
    return module._resampled(torch.from_numpy(wave).float()[None], one(factor), n, "sinc")[0].numpy()


def one(factor: float) -> torch.Tensor:
    return torch.tensor([factor], dtype=torch.float64)


def read(wave: np.ndarray, factor: float, interpolation: str = "sinc") -> np.ndarray:
    lengths = torch.tensor([len(wave)])
    n = int(n_resampled(lengths, one(factor)))
    return resample(torch.from_numpy(wave).float()[None], lengths, one(factor), n, interpolation)[0].numpy()


def noise_below(share: float, n: int = 20000) -> np.ndarray:
    """Noise of which nothing lies above this share of the band."""
    spectrum = np.fft.rfft(np.random.default_rng(0).standard_normal(n))
    spectrum[int(share * len(spectrum)) :] = 0
    return np.fft.irfft(spectrum, n) * 0.2


@pytest.mark.parametrize("way", [read, at_once])
@pytest.mark.parametrize("factor", [0.4, 0.9, 1.07, 1.25, 3.7])
def test_it_is_soxr_within_85_db_up_to_three_quarters_of_the_band(factor, way):
    wave = noise_below(0.75 / max(1.0, factor))
    ours, theirs = way(wave, factor), soxr.resample(wave, factor, 1.0, quality="VHQ")
    inside = slice(200, min(len(ours), len(theirs)) - 200)
    error = np.square(ours[inside] - theirs[inside]).mean() / np.square(theirs[inside]).mean()
    assert 10 * np.log10(error) < -85


@pytest.mark.parametrize("way", [read, at_once])
def test_it_is_the_fourier_method_of_scipy(way):
    wave = noise_below(0.58) * np.hanning(20000)
    theirs = scipy.signal.resample(wave, 16000)
    np.testing.assert_allclose(way(wave, 1.25)[100:-100], theirs[100:-100], atol=1e-4)


@pytest.mark.parametrize(("way", "share"), [(at_once, 0.945), (read, 0.957)])
def test_a_tone_near_the_top_of_the_band_has_lost_half(way, share):
    tone = np.sin(np.pi * share * np.arange(40000))
    assert np.square(way(tone, 0.9)[500:-500]).mean() == pytest.approx(0.125, rel=0.15)


@pytest.mark.parametrize("interpolation", ["sinc", "linear", "nearest"])
def test_a_constant_stays_one_and_every_place_is_right(interpolation):
    np.testing.assert_allclose(read(np.ones(5000), 1.3, interpolation)[200:-200], 1.0, atol=2e-6)
    ramp = read(np.arange(100000) * 1e-5, 0.7, interpolation)
    error = np.abs(ramp[300:-300] - 0.7e-5 * np.arange(len(ramp))[300:-300]).max()
    assert error < (1.1e-5 if interpolation == "nearest" else 1e-6)


def test_nearest_takes_the_sample_before_and_linear_draws_a_line():
    assert read(np.arange(6.0), 0.75, "nearest").tolist() == [0, 0, 1, 2, 3, 3, 4, 5]
    assert read(np.arange(6.0), 1.5, "linear").tolist() == [0, 1.5, 3, 4.5]


def test_what_would_lie_above_the_band_is_taken_out():
    tone = np.sin(2 * np.pi * 0.3 * np.arange(20000))
    assert np.abs(read(tone, 2.0)[100:-100]).max() < 1e-3
    assert np.abs(read(tone, 2.0, "linear")[100:-100]).max() > 0.3
    assert np.square(read(tone, 1.2)[100:-100]).mean() == pytest.approx(0.5, abs=1e-3)


def test_clips_are_as_long_as_they_say_and_zero_behind():
    waves = torch.ones(3, 50)
    waves[1, 20:], waves[2, 1:] = 0.0, 0.0
    lengths, factors = torch.tensor([50, 20, 1]), torch.tensor([0.8, 1.1, 0.5], dtype=torch.float64)
    assert n_resampled(lengths, factors).tolist() == [63, 19, 2]
    made = resample(waves, lengths, factors, 50)
    assert (made != 0).sum(1).tolist() == [50, 19, 2]
    assert made.shape == (3, 50)


@pytest.mark.parametrize("interpolation", ["sinc", "linear", "nearest"])
def test_all_at_once_is_the_same_as_one_by_one(interpolation):
    waves = torch.stack([torch.from_numpy(noise_below(0.25, 3000)).float().roll(i * 97) for i in range(4)])
    lengths, factors = torch.full((4,), 3000), torch.tensor([0.8, 1.0, 1.7, 2.9], dtype=torch.float64)
    apart = resample(waves, lengths, factors, 3000, interpolation)
    together = resample(waves.requires_grad_(), lengths, factors, 3000, interpolation)
    for one, other, n in zip(apart, together, n_resampled(lengths, factors).tolist(), strict=True):
        inside = slice(200, min(n, 3000) - 200) if interpolation == "sinc" else slice(None)
        torch.testing.assert_close(one[inside], other[inside], rtol=0, atol=2e-5 if interpolation == "sinc" else 2e-6)
    together.sum().backward()
    assert waves.grad is not None and bool(waves.grad.any())


def test_a_factor_of_one_keeps_the_band_that_passes():
    wave = noise_below(0.7)
    np.testing.assert_allclose(read(wave, 1.0)[100:-100], wave[100:-100], atol=2e-4)
    for interpolation in ("linear", "nearest"):
        np.testing.assert_allclose(read(wave, 1.0, interpolation), wave, atol=1e-7)


def test_autocast_changes_nothing():
    waves, lengths = torch.randn(1, 400, generator=torch.Generator().manual_seed(0)), torch.tensor([400])
    with torch.autocast("cpu", torch.bfloat16):
        made = resample(waves, lengths, one(1.1), 300)
    assert torch.equal(made, resample(waves, lengths, one(1.1), 300))
