"""Sound in a report: the excerpt is the loudest part, small and whole; any wave has a spectrogram."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
import soundfile

from earmark.reports.clip_figures import excerpt, log_mel_picture


def heard(wav: bytes) -> tuple[np.ndarray, int]:
    return soundfile.read(io.BytesIO(wav), dtype="float32")


def test_a_short_clip_is_kept_whole_at_its_own_rate():
    wave = np.random.default_rng(0).uniform(-0.9, 0.9, 4000).astype(np.float32)
    found = excerpt(wave, 8000)
    samples, rate_hz = heard(found.wav)
    assert (rate_hz, found.start_s, found.seconds) == (8000, 0.0, 0.5)
    np.testing.assert_allclose(samples, wave, atol=1 / 32768)


def test_the_loudest_part_of_a_long_clip_is_picked_and_made_small():
    rate_hz = 44100
    time_s = np.arange(10 * rate_hz) / rate_hz
    wave = (0.01 + 0.5 * ((time_s > 6) & (time_s < 9))) * np.sin(2 * np.pi * 440 * time_s)
    found = excerpt(wave.astype(np.float32), rate_hz)
    samples, rate_hz = heard(found.wav)
    assert found.start_s == pytest.approx(6, abs=0.05) and found.seconds == 3.0
    assert (len(samples), rate_hz) == (48000, 16000)
    assert np.sqrt(np.mean(samples**2)) == pytest.approx(0.51 / np.sqrt(2), rel=0.01)
    assert base64.b64decode(found.uri.partition(",")[2]) == found.wav


def test_what_is_too_loud_is_made_quieter_and_not_clipped():
    wave = 4 * np.sin(np.linspace(0, 50, 8000)).astype(np.float32)
    samples, _ = heard(excerpt(wave, 8000).wav)
    np.testing.assert_allclose(samples, wave / np.abs(wave).max(), atol=2 / 32768)


def test_no_sound_is_no_excerpt():
    assert excerpt(np.zeros(0, np.float32), 0) is None


@pytest.mark.parametrize("rate_hz", [4000, 8000, 16000, 22050, 44100, 44101, 96000, 192000])
@pytest.mark.parametrize("n_samples", [1, 100, 300_000])
def test_any_wave_has_a_picture_of_bounded_size(rate_hz, n_samples):
    wave = np.sin(np.arange(n_samples) * 0.3).astype(np.float32)
    levels = log_mel_picture(wave, rate_hz)
    assert levels.shape[0] == 64 and 1 <= levels.shape[1] <= 1000
    assert np.isfinite(levels).all() and levels.max() <= 1e-4 and levels.min() >= -70.001


def test_silence_has_a_picture():
    assert np.isfinite(log_mel_picture(np.zeros(8000, np.float32), 8000)).all()


def test_a_tone_lies_at_its_frequency():
    rate_hz = 16000
    low, high = (
        int(log_mel_picture(np.sin(2 * np.pi * hz * np.arange(rate_hz) / rate_hz), rate_hz).mean(axis=1).argmax())
        for hz in (500, 4000)
    )
    assert 5 < low < 20 < 40 < high < 64
