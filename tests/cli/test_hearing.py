"""``earmark show augment.KIND --clip X.wav --out FOLDER``."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile


@pytest.fixture
def clip(tmp_path):
    path = tmp_path / "tone.wav"
    soundfile.write(path, 0.1 * np.sin(np.arange(8000) / 5), 8000)
    return path


def test_an_augmentation_is_heard_and_seen(earmark, clip, tmp_path):
    said = earmark(
        "show", "augment.gain", "--clip", clip, "--out", tmp_path / "heard", "-s", "low_db=3", "-s", "high_db=3"
    )
    assert said.code == 0 and not said.err
    assert "gain_db: 3" in said.out
    assert {file.name for file in (tmp_path / "heard").iterdir()} == {"before.wav", "after.wav", "spectrograms.png"}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("loss.bce",), "go with an augmentation, got 'loss.bce'"),
        ((), "go with an augmentation, got ''"),
        (("augment.gane",), "did you mean 'gain'"),
        (("augment.gain", "-s", "p=7"), "p: input should be less than or equal to 1, got 7"),
    ],
)
def test_what_cannot_be_heard_is_refused_in_a_sentence(earmark, clip, tmp_path, arguments, sentence):
    said = earmark("show", *arguments, "--clip", clip, "--out", tmp_path / "heard")
    assert said.code == 2 and sentence in said.err and "Traceback" not in said.err


def test_clip_and_folder_belong_together_and_must_be_there(earmark, clip, tmp_path):
    assert "give --clip and --out" in earmark("show", "augment.gain", "--clip", clip).err
    assert "give --clip and --out" in earmark("show", "augment.gain", "--out", tmp_path / "heard").err
    said = earmark("show", "augment.gain", "--clip", tmp_path / "no.wav", "--out", tmp_path / "heard")
    assert said.code == 3 and "no.wav" in said.err
