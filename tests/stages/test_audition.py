"""Every augmentation can be heard and looked at, and what is heard differs by the augmentation only."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from earmark.core.errors import DataError, SettingsError
from earmark.signal.augment.gain import Gain
from earmark.signal.augment.mixing.mixup import Mixup
from earmark.signal.augment.spectrogram.frequency_mask import FrequencyMask
from earmark.signal.step import Augment
from earmark.stages.audition import audition

RATE = 16000
REQUIRED = {"one_of": {"steps": ["mixup", "gain"]}}


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A bell of two tones and a puff of noise, at rates of their own."""
    folder = tmp_path_factory.mktemp("clips")
    time = np.arange(RATE) / RATE
    bell = 0.3 * np.exp(-4 * time) * (np.sin(2 * np.pi * 440 * time) + np.sin(2 * np.pi * 3000 * time))
    puff = 0.2 * np.random.default_rng(0).standard_normal(6000)
    soundfile.write(folder / "bell.wav", bell, RATE)
    soundfile.write(folder / "puff.wav", puff, 8000)
    return [folder / "bell.wav", folder / "puff.wav"]


@pytest.mark.parametrize("kind", Augment.members())
def test_every_augmentation_can_be_heard(kind, clips, tmp_path):
    step = Augment.members()[kind].model_validate({"p": 1.0, **REQUIRED.get(kind, {})})
    found = audition(step, clips, tmp_path / "heard")
    before, after = (soundfile.read(file)[0] for file in found.files[:2])
    assert len(before) > 0.9 * RATE and np.isfinite(after).all() and after.size
    assert found.files[2].read_bytes().startswith(b"\x89PNG")
    assert kind in found.lines[0] and len(found.lines) > 1


def test_a_gain_is_heard_as_a_gain(clips, tmp_path):
    found = audition(Gain(p=1, low_db=-6, high_db=-6), clips[:1], tmp_path)
    before, after = (soundfile.read(file)[0] for file in found.files[:2])
    np.testing.assert_allclose(after, before * 10 ** (-6 / 20), atol=1e-4)


def test_a_masked_band_is_silent_and_the_rest_is_still_there(clips, tmp_path):
    found = audition(FrequencyMask(p=1, narrowest_bands=40, widest_bands=40), clips[:1], tmp_path, seed=3)
    before, after = (np.abs(np.fft.rfft(soundfile.read(file)[0])) for file in found.files[:2])
    assert np.square(after).sum() < 0.98 * np.square(before).sum()
    assert before.argmax() == pytest.approx(440, abs=40) or before.argmax() == pytest.approx(3000, abs=150)


def test_the_same_seed_writes_the_same_files(clips, tmp_path):
    one, same, other = (audition(Mixup(p=1), clips, tmp_path / str(i), seed) for i, seed in enumerate((1, 1, 2)))
    assert one.files[1].read_bytes() == same.files[1].read_bytes() != other.files[1].read_bytes()


def test_mixing_says_what_became_of_the_labels_and_wants_somebody_to_mix_with(clips, tmp_path):
    found = audition(Mixup(p=1, labels="union"), clips, tmp_path)
    assert "labels: bell.wav 1, puff.wav 1" in found.lines[-1]
    with pytest.raises(SettingsError, match="mixup mixes clips, but got one; give another"):
        audition(Mixup(p=1), clips[:1], tmp_path)


def test_no_samples_and_settings_that_fit_nothing_are_refused(tmp_path, clips):
    soundfile.write(tmp_path / "empty.wav", np.zeros(0), RATE)
    with pytest.raises(DataError, match=r"empty\.wav"):
        audition(Gain(), [tmp_path / "empty.wav"], tmp_path / "out")
    with pytest.raises(SettingsError, match="wider than the picture of 128"):
        audition(FrequencyMask(widest_bands=900), clips, tmp_path / "out")
    assert not (tmp_path / "out").exists()
