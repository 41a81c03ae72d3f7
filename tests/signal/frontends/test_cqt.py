"""The constant-Q transform: against its definition, against librosa, and in what notes look like."""

from __future__ import annotations

import librosa
import numpy as np
import pytest
import torch

from earmark.core.errors import SettingsError
from earmark.core.settings import read
from earmark.signal.frontends.cqt import CQT
from earmark.signal.step import Spec
from tests.signal.frontends.sounds import RECORDINGS, both_ways, recording, seen, tone

STEPS = [
    CQT(),
    CQT(hop_samples=347, n_bins=111),
    CQT(hop_samples=640, fmin_hz=110, n_bins=120, bins_per_octave=24, window="hamming"),
    CQT(fmin_hz=61.7, n_bins=60, window="blackman", filter_scale=0.5),
]
WINDOWS = {"hann": (0.5, 0.5), "hamming": (0.54, 0.46), "blackman": (0.42, 0.5, 0.08)}


def by_hand(wave: np.ndarray, rate: int, step: CQT, band: int, frame: int) -> float:
    """One value from the definition: a windowed oscillation at the full rate, in double precision."""
    up = 2 ** (2 / step.bins_per_octave)
    hz = step.fmin_hz * 2 ** (band / step.bins_per_octave)
    n = step.filter_scale * (up + 1) / (up - 1) * rate / hz
    time = np.arange(-int(n / 2), int(n / 2) + 1)
    weights = sum(c * np.cos(2 * np.pi * k * time / n) for k, c in enumerate(WINDOWS[step.window]))
    kernel = weights / weights.sum() * np.sqrt(n) * np.exp(-2j * np.pi * hz / rate * time)
    place = time + frame * step.hop_samples
    inside = (place >= 0) & (place < len(wave))
    return float(np.abs(wave[place[inside]].astype(np.float64) @ kernel[inside]))


@pytest.mark.parametrize("step", STEPS, ids=str)
@pytest.mark.parametrize("name", RECORDINGS)
def test_real_recordings_give_what_the_definition_gives(shared_data, name, step):
    """Within 80 dB below the loudest value. The ends of a Hamming window are steps, which lie between samples and let
    through what is far away: within 3 %."""
    wave, rate = recording(shared_data, name)
    ours = seen(step, wave, rate)
    places = [
        (band, frame)
        for band in {*range(0, step.n_bins, 6), step.n_bins - 1}
        for frame in {0, ours.shape[1] // 3, ours.shape[1] // 2, ours.shape[1] - 1}
    ]
    theirs = np.array([by_hand(wave, rate, step, *place) for place in places])
    apart = np.abs([ours[place] for place in places] - theirs)
    assert apart.max() < (3e-2 if step.window == "hamming" else 1e-4) * theirs.max()


def librosas(wave: np.ndarray, rate: int, step: CQT, **rest: float) -> np.ndarray:
    found = librosa.cqt(
        wave,
        sr=rate,
        hop_length=step.hop_samples,
        fmin=step.fmin_hz,
        n_bins=step.n_bins,
        bins_per_octave=step.bins_per_octave,
        filter_scale=step.filter_scale,
        window=step.window,
        tuning=0.0,
        pad_mode="constant",
        **rest,
    )
    return np.abs(found)


@pytest.mark.filterwarnings("ignore:n_fft=.* is too large for input signal")
@pytest.mark.parametrize("name", RECORDINGS)
def test_real_recordings_give_what_librosa_gives_at_the_full_rate(shared_data, name):
    """With an odd hop it does not halve the rate, so its kernels lie where they should; within 0.2 %, or 50 dB below
    the loudest."""
    wave, rate = recording(shared_data, name, 1.0)
    step = CQT(hop_samples=2205, fmin_hz=200, n_bins=48)
    theirs = librosas(wave, rate, step, sparsity=0)
    np.testing.assert_allclose(seen(step, wave, rate), theirs, rtol=2e-3, atol=theirs.max() * 3e-3)


@pytest.mark.filterwarnings("ignore:n_fft=.* is too large for input signal")
@pytest.mark.parametrize("step", [STEPS[0], STEPS[2]], ids=str)
@pytest.mark.parametrize("name", RECORDINGS)
def test_real_recordings_give_about_what_librosa_gives_by_default(shared_data, name, step):
    """At low rates librosa rounds the place and length of kernels to samples and cuts what its filters ring beyond the
    ends: then it is 1 % off the definition, and 6 % for a clip of 13 ms, which is nothing but ends."""
    wave, rate = recording(shared_data, name)
    ours, theirs = seen(step, wave, rate), librosas(wave, rate, step)
    assert ours.shape == theirs.shape
    assert np.linalg.norm(ours - theirs) < (0.1 if name == "Click-04.wav" else 0.02) * np.linalg.norm(theirs)


@pytest.mark.parametrize("hop_samples", [512, 347])
def test_a_note_is_in_its_bin_and_as_loud_as_the_root_of_its_length_says(hop_samples):
    step = CQT(hop_samples=hop_samples, n_bins=108)
    for band in (0, 25, 50, 75, 107):
        hz = step.fmin_hz * 2 ** (band / 12)
        rows = seen(step, tone(hz, 44100, 60000), 44100)
        middle = rows[:, rows.shape[1] // 2]
        assert middle.argmax() == band
        n = 44100 / hz / (2 ** (1 / 6) - 1) * (2 ** (1 / 6) + 1)
        assert middle[band] == pytest.approx(0.5 * np.sqrt(n) / 2, rel=2e-3)


def test_an_octave_higher_and_twice_as_fast_looks_the_same_an_octave_up():
    wave = np.random.default_rng(0).standard_normal(20000).astype(np.float32)
    slow = seen(CQT(hop_samples=256, n_bins=60, fmin_hz=100), wave, 16000)
    fast = seen(CQT(hop_samples=256, n_bins=60, fmin_hz=200), wave, 32000)
    np.testing.assert_allclose(fast, slow, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("step", STEPS, ids=str)
def test_all_clips_at_once_or_one_by_one_is_the_same(step):
    together, one_by_one = both_ways(step, [7000, 1, 4321])
    torch.testing.assert_close(together, one_by_one, rtol=1e-4, atol=1e-5)
    assert not together[1, :, :, 1:].any() and not one_by_one[1, :, :, 1:].any()


@pytest.mark.parametrize(
    ("settings", "rate", "said"),
    [
        ({}, 8000, "84 bins from 32.7032 Hz, 12 to an octave, reach up to 4.* above 4000 Hz; take at most 83 bins"),
        ({"n_bins": 114}, 44100, "above 22050 Hz; take at most 113 bins"),
        ({"fmin_hz": 9000, "n_bins": 1}, 16000, "above 8000 Hz; start lower"),
    ],
)
def test_bins_beyond_half_the_rate_are_refused_before_any_audio_is_read(settings, rate, said):
    with pytest.raises(SettingsError, match=said):
        CQT(**settings).after(Spec("wave", float(rate)))


def test_settings_without_meaning_are_refused():
    with pytest.raises(SettingsError, match="filter_scale: input should be greater than 0"):
        read(CQT, {"filter_scale": 0})
    assert CQT(hop_samples=441).after(Spec("wave", 44100.0)) == Spec("magnitude", 100.0, 1, 84)
