"""A tagger gives a clip the same scores in any company, and comes back from its file as it was."""

from __future__ import annotations

import re

import numpy as np
import pytest
import soundfile
import torch

from earmark.core.errors import DataError, RunError, SettingsError
from earmark.data.crops import Crop
from earmark.inference.tagger import load_tagger
from earmark.runs import checkpoints
from earmark.training.learner import Learner
from earmark.training.optimizers.adam import Adam
from tests.tiny import RATE_HZ, objective_of, tones

LENGTHS = (1, 16, 700, 2000, 2001, 2500, 3333, 4000, 4777, 8000, 8000)
CROPS = [Crop(length_s=0.25), Crop(length_s=0.25, short="silence"), Crop(length_s=0.25, short="keep")]
CROPS += [Crop(length_s=None), Crop(length_s=None, short="keep")]
every_crop = pytest.mark.parametrize("crop", CROPS, ids=lambda crop: f"{crop.length_s}-{crop.short}")


def waves(lengths: tuple[int, ...] = LENGTHS) -> list[np.ndarray]:
    return list(tones(lengths).values())


@every_crop
@pytest.mark.parametrize("waste", [0.0, 0.3, 0.9])
def test_in_batches_is_one_by_one(tagger_of, crop, waste):
    tagger = tagger_of(crop=crop, waste=waste, batch_clips=4)
    tolerance = tagger.settings.model.encoder.tolerance
    together = tagger.logits(waves())
    assert together.shape == (len(LENGTHS), 3) and together.dtype == np.float32
    for wave, logits in zip(waves(), together, strict=True):
        assert np.abs(tagger.logits([wave])[0] - logits).max() < tolerance


def test_the_order_of_clips_means_nothing(tagger_of):
    tagger, given = tagger_of(waste=0.5), waves()
    order = np.random.default_rng(0).permutation(len(given))
    shuffled = tagger.logits([given[i] for i in order])
    np.testing.assert_allclose(shuffled, tagger.logits(given)[order], atol=1e-5)


def test_clips_that_differ_have_scores_that_differ(tagger_of):
    logits = tagger_of().logits(waves())
    assert len({tuple(row) for row in logits.round(4)}) >= len(LENGTHS) - 1


def test_a_short_clip_is_heard_as_its_training_crop_was(tagger_of):
    tagger, wave = tagger_of(), waves((700,))[0]
    np.testing.assert_allclose(tagger.logits([wave]), tagger.logits([np.resize(wave, 2000)]), atol=1e-6)
    padded = tagger_of(crop=CROPS[1])
    np.testing.assert_allclose(padded.logits([wave]), padded.logits([np.pad(wave, (0, 1300))]), atol=1e-6)


@every_crop
def test_two_milliseconds_silence_and_nothing_have_finite_scores(tagger_of, crop):
    silence = [np.zeros(n, np.float32) for n in (0, 16, 8000)]
    logits = tagger_of(crop=crop).logits([waves((16,))[0], *silence])
    assert np.isfinite(logits).all()
    assert tagger_of(crop=crop).logits([]).shape == (0, 3)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_audio_that_is_not_finite_never_becomes_a_score(tagger_of, value):
    bad = waves((8000,))[0].copy()
    bad[4000] = value
    with pytest.raises(DataError, match="not finite"):
        tagger_of().logits([waves((8000,))[0], bad])


def test_weights_that_are_damaged_never_make_a_score(tagger_of):
    tagger = tagger_of()
    with torch.no_grad():
        next(tagger.network.heads["main"].parameters()).fill_(float("nan"))
    with pytest.raises(DataError, match="NaN"):
        tagger.logits(waves((8000,)))


@pytest.mark.parametrize("pool", ["mean", "max"])
def test_a_long_file_is_heard_in_windows(tagger_of, wav_files, pool):
    tagger = tagger_of(pool=pool)
    file = wav_files(20_123)[0]
    wave = soundfile.read(file, dtype="float32")[0]
    apart = [tagger.logits([wave[start : start + n]])[0] for start, n in ((0, 8000), (8000, 8000), (16_000, 4123))]
    np.testing.assert_allclose(tagger.file_logits(file), getattr(np, pool)(apart, axis=0), atol=1e-5)


def test_a_tag_is_a_class_and_its_probability_most_probable_first(tagger_of, wav_files):
    tagger, file = tagger_of(), wav_files(9000)[0]
    tags = tagger.tag(file)
    probabilities = 1 / (1 + np.exp(-tagger.file_logits(file).astype(float)))
    assert [tag.label for tag in tags] == [tagger.classes[i] for i in np.argsort(-probabilities)]
    assert [tag.probability for tag in tags] == pytest.approx(sorted(probabilities, reverse=True))
    assert tagger.tag(file, top=1) == tags[:1]
    assert tagger.tag(file, threshold=tags[1].probability) == tags[:2]
    assert str(tags[0]) == f"{tags[0].label} {tags[0].probability:.2f}"


def test_a_class_that_is_out_of_the_question_has_probability_zero(tagger_of, wav_files):
    tagger = tagger_of()
    with torch.no_grad():
        tagger.network.heads["main"].layers[-1].bias.fill_(-2000.0)
    assert all(tag.probability == 0 for tag in tagger.tag(wav_files(9000)[0]))


def test_a_file_that_cannot_be_heard_says_why(tagger_of, tmp_path):
    (tmp_path / "notes.wav").write_text("not a sound")
    soundfile.write(tmp_path / "empty.wav", np.zeros(0, np.int16), RATE_HZ)
    for name in ("notes.wav", "empty.wav", "nowhere.wav"):
        with pytest.raises(DataError, match=re.escape(name)):
            tagger_of().tag(tmp_path / name)


def test_a_tagger_comes_back_from_its_file_as_it_was(tagger_of, tmp_path):
    tagger = tagger_of()
    tagger.save(tmp_path / "run" / "tagger.safetensors", note="kept")
    for place in (tmp_path / "run", tmp_path / "run" / "tagger.safetensors"):
        again = load_tagger(place)
        assert again.settings == tagger.settings and again.classes == tagger.classes
        assert np.array_equal(again.logits(waves()), tagger.logits(waves()))


def test_how_it_is_used_may_be_changed_when_it_is_loaded(tagger_of, tmp_path):
    tagger_of().save(tmp_path / "it")
    assert load_tagger(tmp_path / "it", window_s=0.5).settings.inference.window_s == 0.5
    with pytest.raises(SettingsError, match=r"inference\.windw_s: no such setting; did you mean 'window_s'"):
        load_tagger(tmp_path / "it", windw_s=0.5)


def test_bfloat16_is_near_float32(tagger_of):
    exact, fast = tagger_of().logits(waves()), tagger_of(precision="bfloat16").logits(waves())
    assert fast.dtype == np.float32 and not np.array_equal(exact, fast)
    assert np.abs(exact - fast).max() < 0.1 * np.abs(exact).max()


def test_what_is_not_a_tagger_is_refused_in_words(tagger_of, tmp_path, monkeypatch):
    with pytest.raises(RunError, match="there is no checkpoint"):
        load_tagger(tmp_path / "nowhere.safetensors")
    with pytest.raises(RunError, match="has no tagger yet; finish its training"):
        load_tagger(tmp_path)
    learner = Learner(objective_of(), Adam(), None)
    checkpoints.save(tmp_path / "last", *learner.state())
    with pytest.raises(RunError, match="a checkpoint to go on training from, not a tagger"):
        load_tagger(tmp_path / "last")
    with monkeypatch.context() as other:
        other.setattr(checkpoints, "VERSION", 99)
        tagger_of().save(tmp_path / "newer")
    with pytest.raises(RunError, match="has version 99, but this earmark reads version 1"):
        load_tagger(tmp_path / "newer")


def test_a_file_whose_weights_do_not_fit_its_settings_is_refused_by_name(tagger_of, tmp_path):
    tagger = tagger_of()
    tagger.save(tmp_path / "whole")
    tensors, facts = checkpoints.load(tmp_path / "whole")
    name = next(name for name in tensors if name.startswith("network/heads"))
    checkpoints.save(tmp_path / "lacking", {k: v for k, v in tensors.items() if k != name}, facts)
    with pytest.raises(RunError, match=re.escape(name.removeprefix("network/"))):
        load_tagger(tmp_path / "lacking")
    facts["tagger"]["classes"] = ["low", "high"]
    checkpoints.save(tmp_path / "other", tensors, facts)
    with pytest.raises(RunError, match="of another network"):
        load_tagger(tmp_path / "other")
