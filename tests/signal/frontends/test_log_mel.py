"""The front ends against librosa, on generated sound and on real recordings."""

from __future__ import annotations

import librosa
import numpy as np
import pytest
import soundfile
import torch

from earmark.core.errors import SettingsError
from earmark.core.settings import read
from earmark.signal.frontends.decibel import Decibel
from earmark.signal.frontends.log import Log
from earmark.signal.frontends.log_mel import LogMel
from earmark.signal.frontends.mel import Mel
from earmark.signal.frontends.normalise import Normalise
from earmark.signal.step import Spec
from tests.signal.frontends.sounds import RECORDINGS, clip, recording

RECIPES = [
    {},
    {"scale": "htk", "spectrum": "magnitude", "n_fft": 1024, "hop_samples": 512, "n_mels": 64, "fmin_hz": 0},
    {"n_fft": 2048, "win_samples": 1103, "hop_samples": 441, "n_mels": 80, "area_norm": False, "window": "hamming"},
    {"n_fft": 2048, "hop_samples": 1024, "fmin_hz": 5, "spectrum": "magnitude"},
    {"n_fft": 4096, "hop_samples": 1024, "fmin_hz": 5, "fmax_hz": 9000, "n_mels": 96, "window": "blackman"},
]


def reference(wave: np.ndarray, rate: int, mel: Mel) -> np.ndarray:
    return librosa.feature.melspectrogram(
        y=wave,
        sr=rate,
        n_fft=mel.n_fft,
        hop_length=mel.hop_samples,
        win_length=mel.win_samples,
        window=mel.window,
        power=2.0 if mel.spectrum == "power" else 1.0,
        n_mels=mel.n_mels,
        fmin=mel.fmin_hz,
        fmax=mel.fmax_hz,
        htk=mel.scale == "htk",
        norm="slaney" if mel.area_norm else None,
        pad_mode="constant",
    )


def agree(wave: np.ndarray, rate: int, mel: Mel) -> None:
    """Within 1e-4 relative, or 120 dB (which is what float32 holds) below the loudest value."""
    theirs = reference(wave, rate, mel)
    bands = mel.build(Spec("wave", rate))(clip(wave, rate))
    floor = theirs.max() * (1e-12 if mel.spectrum == "power" else 1e-6)
    np.testing.assert_allclose(bands.values[0, 0], theirs, rtol=1e-4, atol=floor)
    level = Decibel().build(Spec(mel.spectrum, 1.0, 1, mel.n_mels))(bands).values[0, 0]
    to_db = librosa.power_to_db if mel.spectrum == "power" else librosa.amplitude_to_db
    their_level = to_db(theirs, amin=1e-10 if mel.spectrum == "power" else 1e-5, top_db=80.0)
    np.testing.assert_allclose(level, their_level, rtol=1e-4, atol=5e-4)


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("rate", [32000, 44100])
def test_generated_sound_gives_what_librosa_gives(recipe, rate):
    time = np.arange(rate) / rate
    chance = np.random.default_rng(0)
    sweep = 0.3 * np.sin(2 * np.pi * (100 + 3000 * time) * time) * np.exp(-3 * time)
    agree((sweep + 0.01 * chance.standard_normal(rate)).astype(np.float32), rate, Mel(**recipe))


@pytest.mark.filterwarnings("ignore:n_fft=.* is too large for input signal")
@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("name", RECORDINGS)
def test_real_recordings_give_what_librosa_gives(shared_data, name, recipe):
    wave, rate = recording(shared_data, name, 6.0)
    agree(wave, rate, Mel(**recipe))


def test_default_gives_the_picture_of_the_published_system(shared_data):
    wave, rate = soundfile.read(shared_data / "fixtures/00c4e82c.wav", dtype="float32")
    features = LogMel().build(Spec("wave", rate))(clip(wave, rate))
    power = librosa.feature.melspectrogram(
        y=wave, sr=44100, n_fft=2560, hop_length=347, n_mels=128, fmin=20, fmax=22050, pad_mode="constant"
    )
    level = librosa.power_to_db(power, top_db=80.0)
    theirs = (level - level.mean()) / (level.std() + 1e-7)
    assert features.rate_hz == pytest.approx(44100 / 347)
    assert features.domain == "features"
    np.testing.assert_allclose(features.values[0, 0], theirs, rtol=1e-4, atol=1e-4)


def test_log_mel_is_its_parts_one_after_the_other():
    step = LogMel(mel=Mel(n_mels=40), compression=Log(), normalise=Normalise(per_band=True))
    spec, batch = Spec("wave", 44100.0), clip(np.random.default_rng(1).standard_normal(9000).astype(np.float32), 44100)
    whole = step.build(spec)(batch)
    for part in (step.mel, step.compression, step.normalise):
        batch, spec = part.build(spec)(batch), part.after(spec)
    assert torch.equal(whole.values, batch.values)
    assert step.after(Spec("wave", 44100.0)) == spec


def test_recipe_text_becomes_the_settings_and_back():
    step = read(LogMel, {"compression": {"kind": "log", "offset": 0.01}, "mel": {"n_mels": 64}})
    assert step == LogMel(mel=Mel(n_mels=64), compression=Log(offset=0.01))
    assert read(LogMel, step.model_dump(mode="json")) == step
    assert read(LogMel, {"compression": "log"}).compression == Log()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"mel": {"n_fft": 256}}, "an FFT of 256 samples is shorter than the hop of 347"),
        ({"mel": {"win_samples": 300}}, "a window of 300 samples is shorter than the hop"),
        ({"mel": {"win_samples": 3000}}, "does not fit an FFT of 2560"),
        ({"mel": {"scale": "bark"}}, "mel.scale: input should be 'slaney' or 'htk', got 'bark'"),
        ({"compression": {"kind": "decibel", "amin": 0}}, "compression.amin: input should be greater than 0"),
        ({"compression": "decibels"}, "did you mean 'decibel'"),
    ],
)
def test_settings_without_meaning_are_refused(settings, said):
    with pytest.raises(SettingsError, match=said):
        read(LogMel, settings)


@pytest.mark.parametrize(
    ("settings", "rate", "said"),
    [
        ({"fmax_hz": 16000}, 16000, "need audio of at least 32000 Hz, got 16000 Hz"),
        ({"n_fft": 512, "n_mels": 128}, 44100, "would always be empty"),
        ({"fmin_hz": 9000}, 16000, "got 9000 to 8000 Hz"),
    ],
)
def test_bands_that_do_not_fit_the_rate_are_refused_before_any_audio_is_read(settings, rate, said):
    with pytest.raises(SettingsError, match=said):
        Mel(**settings).after(Spec("wave", float(rate)))
