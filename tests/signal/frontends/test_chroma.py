"""Pitch classes, against librosa and against what was played."""

from __future__ import annotations

import librosa
import numpy as np
import pytest

from earmark.core.errors import SettingsError
from earmark.core.settings import read
from earmark.dsp.chroma import chroma_filters
from earmark.signal.frontends.chroma import Chroma
from earmark.signal.frontends.decibel import Decibel
from earmark.signal.step import Spec
from earmark.signal.view import check
from tests.signal.frontends.sounds import RECORDINGS, recording, seen, tone


@pytest.mark.parametrize(
    ("rate", "n_fft", "n_chroma"), [(44100, 2048, 12), (22050, 4096, 24), (16000, 999, 36), (8000, 64, 12)]
)
def test_filters_are_those_of_librosa(rate, n_fft, n_chroma):
    theirs = librosa.filters.chroma(sr=rate, n_fft=n_fft, n_chroma=n_chroma)
    np.testing.assert_allclose(chroma_filters(rate, n_fft, n_chroma), theirs, rtol=1e-5, atol=1e-7)


@pytest.mark.filterwarnings("ignore:n_fft=.* is too large for input signal")
@pytest.mark.parametrize("norm", ["inf", "none"])
@pytest.mark.parametrize("settings", [{}, {"n_chroma": 24, "n_fft": 4096, "hop_samples": 1000, "window": "hamming"}])
@pytest.mark.parametrize("name", RECORDINGS)
def test_real_recordings_give_what_librosa_gives(shared_data, name, settings, norm):
    wave, rate = recording(shared_data, name)
    step = Chroma(norm=norm, **settings)
    theirs = librosa.feature.chroma_stft(
        y=wave,
        sr=rate,
        norm=None if norm == "none" else np.inf,
        n_fft=step.n_fft,
        hop_length=step.hop_samples,
        window=step.window,
        n_chroma=step.n_chroma,
        tuning=0,
        pad_mode="constant",
    )
    np.testing.assert_allclose(seen(step, wave, rate), theirs, rtol=1e-4, atol=1e-12 * theirs.max())


@pytest.mark.parametrize("octave", [4, 5, 6, 7])
@pytest.mark.parametrize("note", range(12))
def test_a_note_is_in_its_class_whatever_the_octave(note, octave):
    hz = 440.0 * 2.0 ** ((note - 9) / 12 + octave - 4)
    classes = seen(Chroma(n_fft=8192), tone(hz, 22050, 12000), 22050)
    assert set(classes.argmax(axis=0)) == {note}
    assert set(classes.max(axis=0)) == {1.0}


def test_a_norm_takes_the_level_out_and_silence_stays_silent():
    wave = np.random.default_rng(0).standard_normal(9000).astype(np.float32)
    np.testing.assert_allclose(seen(Chroma(), wave, 44100), seen(Chroma(), 1e-3 * wave, 44100), rtol=1e-4)
    assert not seen(Chroma(), 0 * wave, 44100).any()


def test_without_a_norm_it_is_power_and_can_be_compressed():
    wave = Spec("wave", 44100.0)
    assert check((Chroma(norm="none"), Decibel()), wave) == Spec("features", 44100 / 512, 1, 12)
    with pytest.raises(SettingsError, match="decibel takes power or magnitude, but features come in"):
        check((Chroma(), Decibel()), wave)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"n_chroma": 13}, "n_chroma: .*multiple of 12"),
        ({"n_chroma": 0}, "n_chroma: .*12"),
        ({"n_fft": 500}, "an FFT of 500 samples is shorter than the hop of 512"),
    ],
)
def test_settings_without_meaning_are_refused(settings, said):
    with pytest.raises(SettingsError, match=said):
        read(Chroma, settings)


def test_other_numbers_of_pitch_classes_are_refused():
    with pytest.raises(SettingsError, match="multiple of 12, got 18"):
        chroma_filters(44100.0, 2048, 18)
