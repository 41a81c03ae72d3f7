"""What phase tells: against librosa's reassignment, and of tones, clicks and glides."""

from __future__ import annotations

import librosa
import numpy as np
import pytest
import torch

from earmark.core.errors import SettingsError
from earmark.core.settings import read
from earmark.dsp.mel import mel_corners
from earmark.signal.frontends.log_mel import LogMel
from earmark.signal.frontends.phase import Phase
from earmark.signal.step import Spec
from tests.signal.frontends.sounds import RECORDINGS, both_ways, clip, recording, seen, tone

RATE = 44100
EVERY_BIN = {"n_mels": None, "limit": None, "floor": 1e-12}


@pytest.mark.filterwarnings("ignore:n_fft=.* is too large for input signal", "ignore:'where' used without 'out'")
@pytest.mark.parametrize(
    "settings", [{"n_fft": 1024, "hop_samples": 512}, {"n_fft": 1001, "win_samples": 801, "window": "hamming"}]
)
@pytest.mark.parametrize("name", RECORDINGS)
def test_real_recordings_give_what_librosa_gives_where_they_sound(shared_data, name, settings):
    """Within 0.001 bins or hops wherever power is above a millionth of the largest."""
    wave, rate = recording(shared_data, name)
    frequency, delay = (Phase(quantity=q, **EVERY_BIN, **settings) for q in ("instantaneous_frequency", "group_delay"))
    hz, seconds, magnitudes = librosa.reassigned_spectrogram(
        wave,
        sr=rate,
        n_fft=frequency.n_fft,
        hop_length=frequency.hop_samples,
        win_length=frequency.win_samples,
        window=frequency.window,
        clip=False,
        ref_power=0.0,
        pad_mode="constant",
    )
    bins = hz * frequency.n_fft / rate - np.arange(len(hz))[:, None]
    # For an FFT of even length, librosa counts time from between the samples in its middle; a frame's is on a sample.
    samples = seconds * rate - (0.5 if frequency.n_fft % 2 == 0 else 0.0)
    hops = samples / frequency.hop_samples - np.arange(hz.shape[1])
    sounds = magnitudes > 1e-3 * magnitudes.max()
    for step, theirs in ((frequency, bins), (delay, hops)):
        np.testing.assert_allclose(seen(step, wave, rate)[sounds], theirs[sounds], rtol=1e-3, atol=1e-3)


def test_a_tone_between_bins_is_found_where_it_is():
    hz = 1000.3
    step = Phase(n_fft=1024, hop_samples=256, n_mels=None)
    away = seen(step, tone(hz, RATE, 20000), RATE)[:, 5:-5]
    at = hz * 1024 / RATE
    for row in (int(at) - 1, int(at), int(at) + 1, int(at) + 2):
        np.testing.assert_allclose(away[row], at - row, atol=3e-3)


@pytest.mark.parametrize("scale", ["slaney", "htk"])
def test_a_tone_is_found_where_it_is_in_its_mel_band(scale):
    step = Phase(n_mels=40, scale=scale)
    corners = mel_corners(40, 20.0, RATE / 2, scale).numpy()
    for band in (10, 20, 39):
        low, middle, high = corners[band : band + 3]
        hz = middle + 0.3 * (high - middle)
        away = seen(step, tone(hz, RATE, 20000), RATE)[band, 10:-10]
        np.testing.assert_allclose(away, (hz - middle) / ((high - low) / 2), atol=5e-3)


@pytest.mark.parametrize("n_mels", [None, 40])
def test_a_click_is_found_when_it_was(n_mels):
    step = Phase(n_fft=1024, hop_samples=256, quantity="group_delay", n_mels=n_mels)
    wave = np.zeros(8192, dtype=np.float32)
    wave[10 * 256 + 100] = 1.0
    away = seen(step, wave, RATE)
    for frame in (9, 10, 11):  # Further off, the window lets little through.
        np.testing.assert_allclose(away[:, frame], 10 + 100 / 256 - frame, atol=1e-2)
    assert not away[:, :8].any() and not away[:, 14:].any()


def test_a_glide_rises_within_its_bin():
    time = np.arange(30000) / RATE
    wave = (0.5 * np.cos(2 * np.pi * (1000 * time + 100 * time**2))).astype(np.float32)
    step = Phase(n_fft=1024, hop_samples=256, n_mels=None)
    rows = seen(step, wave, RATE)
    hz = 1000 + 200 * np.arange(rows.shape[1]) * 256 / RATE
    row = round(1060 * 1024 / RATE)
    near = slice(5, -5)
    np.testing.assert_allclose((rows[row, near] + row) * RATE / 1024, hz[near], atol=1.0)


def test_noise_stays_within_the_limit_and_silence_says_nothing():
    noise = np.random.default_rng(0).standard_normal(20000).astype(np.float32)
    far, near = (seen(Phase(n_mels=None, limit=limit), noise, RATE) for limit in (None, 1.5))
    assert np.abs(far).max() > 4.0
    np.testing.assert_allclose(near, far.clip(-1.5, 1.5))
    assert np.abs(seen(Phase(n_mels=None), 1e-8 * noise, RATE)).max() < 1e-2


def test_level_changes_nothing_above_the_floor():
    noise = np.random.default_rng(0).standard_normal(20000).astype(np.float32)
    loud, quiet = (seen(Phase(), level * noise, RATE) for level in (1.0, 0.01))
    np.testing.assert_allclose(quiet, loud, atol=1e-3)


def test_gradients_are_finite_where_a_clip_falls_silent():
    for quantity in ("instantaneous_frequency", "group_delay"):
        for n_mels in (None, 40):
            module = Phase(quantity=quantity, n_mels=n_mels).build(Spec("wave", RATE))
            batch = clip(np.r_[tone(440.0, RATE, 4000), np.zeros(8000, dtype=np.float32)], RATE)
            wave = batch.values.requires_grad_()
            module(batch.changed(values=wave)).values.square().sum().backward()
            assert wave.grad is not None and bool(torch.isfinite(wave.grad).all()) and wave.grad.any()


@pytest.mark.parametrize("quantity", ["instantaneous_frequency", "group_delay"])
@pytest.mark.parametrize("n_mels", [None, 40])
def test_all_clips_at_once_or_one_by_one_is_the_same(quantity, n_mels):
    together, one_by_one = both_ways(Phase(quantity=quantity, n_mels=n_mels), [7000, 1, 4321])
    torch.testing.assert_close(together, one_by_one, rtol=1e-3, atol=1e-3)
    assert not together[1, :, :, 1:].any() and not one_by_one[1, :, :, 1:].any()


def test_it_lies_on_a_log_mel_picture():
    assert Phase().after(Spec("wave", 44100.0)) == LogMel().after(Spec("wave", 44100.0))
    assert Phase(n_mels=None).after(Spec("wave", 44100.0)).n_bands == 1281


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"quantity": "phase"}, "quantity: input should be 'instantaneous_frequency' or 'group_delay', got 'phase'"),
        ({"floor": 0}, "floor: input should be greater than 0"),
        ({"n_fft": 256}, "an FFT of 256 samples is shorter than the hop of 347"),
    ],
)
def test_settings_without_meaning_are_refused(settings, said):
    with pytest.raises(SettingsError, match=said):
        read(Phase, settings)


def test_bands_that_do_not_fit_are_refused_before_any_audio_is_read():
    with pytest.raises(SettingsError, match="need audio of at least 32000 Hz, got 16000 Hz"):
        Phase(fmax_hz=16000).after(Spec("wave", 16000.0))
    with pytest.raises(SettingsError, match="would always be empty"):
        Phase(n_fft=512).build(Spec("wave", 44100.0))
