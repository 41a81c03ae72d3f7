"""Guesses from files: aligned by name, refused where they do not fit, and labelled where they leak."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from earmark.core.errors import DataError, SettingsError
from earmark.core.predictions import Predictions
from earmark.data.tables import write_predictions
from earmark.objectives.guesses import Guesses
from tests.some_terms import CLASSES, material
from tests.tiny import N_CLASSES

IDS = tuple(f"clip {i}" for i in range(12))
REGISTER = material().of(("noisy",))


def write(path, fold=0, **changes):
    facts = {"ids": IDS, "classes": CLASSES, "scores": np.linspace(-3, 3, 36).reshape(12, N_CLASSES)}
    facts |= {"folds": None if fold is None else np.full(12, fold, np.int64), **changes}
    write_predictions(Predictions(**facts), path)
    return Guesses(file=str(path))


def read(guesses, fold=0, held_out=""):
    return guesses.read(REGISTER, replace(material(fold), held_out=held_out), "stream 'noisy'")


def test_rows_are_found_by_name_and_scores_become_chances(tmp_path):
    order = np.random.default_rng(0).permutation(12)
    scores = np.linspace(-3, 3, 36).reshape(12, N_CLASSES)
    shuffled = {"ids": tuple(IDS[i] for i in order), "scores": scores[order][:, [2, 0, 1]], "classes": ("c", "a", "b")}
    found, guessed, notes = read(write(tmp_path / "it.parquet", **shuffled))
    wanted = torch.from_numpy(scores).sigmoid().float()
    rows = [IDS.index(name) for name in REGISTER.ids]
    torch.testing.assert_close(found, wanted[rows])
    assert bool(guessed.all()) and notes == ()


def test_the_path_may_name_the_fold(tmp_path):
    write(tmp_path / "fold-2.parquet", fold=2)
    guesses = Guesses(file=str(tmp_path / "fold-{fold}.parquet"))
    assert read(guesses, fold=2).notes == ()
    with pytest.raises(SettingsError, match="named by the fold that is held out, and none is"):
        guesses.path(None)


def test_other_vocabularies_are_refused_with_both_names(tmp_path):
    more = {"classes": (*CLASSES, "dog"), "scores": np.zeros((12, 4))}
    with pytest.raises(DataError, match=r"more\.parquet' and stream 'noisy' .*only the guesses have 'dog'"):
        read(write(tmp_path / "more.parquet", **more))
    other = {"classes": ("a", "b", "cat")}
    with pytest.raises(DataError, match=r"other\.parquet' and stream 'noisy' .*only the data have 'c'"):
        read(write(tmp_path / "other.parquet", **other))


def test_a_clip_without_a_guess_is_named_or_done_without(tmp_path):
    guesses = write(tmp_path / "fewer.parquet", ids=IDS[:-1], scores=np.ones((11, 3)), folds=np.zeros(11, np.int64))
    with pytest.raises(DataError, match=r"fewer\.parquet' and stream 'noisy' do not fit: 1 of 12 .* as 'clip 11'"):
        read(guesses)
    found, guessed, notes = read(guesses.model_copy(update={"partial": True}))
    lacking = REGISTER.ids.index("clip 11")
    assert [row for row, there in enumerate(guessed) if not there] == [lacking] and not bool(found[lacking].any())
    assert notes == ("1 of 12 clips of stream 'noisy' have no guess, and nothing is made of them.",)
    strangers = write(tmp_path / "strangers.parquet", ids=tuple(f"x {i}" for i in range(12)))
    with pytest.raises(DataError, match="12 of 12 clips have no guess"):
        read(strangers.model_copy(update={"partial": True}))


def test_ranks_are_no_chances(tmp_path):
    ranks = {"scores": np.full((12, 3), 0.5), "link": "rank"}
    with pytest.raises(DataError, match="'rank' cannot be put on 'probability'"):
        read(write(tmp_path / "ranks.parquet", **ranks))


@pytest.mark.parametrize(("fold", "whose"), [(1, "of fold 1"), (-1, "of no known fold"), (None, "of no known fold")])
def test_guesses_of_models_that_may_know_the_held_out_fold_are_refused_or_noted(tmp_path, fold, whose):
    guesses = write(tmp_path / "it.parquet", fold=fold)
    with pytest.raises(
        SettingsError, match=rf"not out of fold 0, .*'clip 0' of stream 'noisy' .* {whose}; .*leak: true"
    ):
        read(guesses)
    notes = read(guesses.model_copy(update={"leak": True})).notes
    assert len(notes) == 1 and "12 of 12 clips of stream 'noisy' come from models that may have learnt" in notes[0]
    assert read(guesses, fold=None).notes == (), "where nothing is held out nothing is given away"


def test_a_fold_of_another_split_is_another_fold_whatever_its_number(tmp_path):
    said = {"fold": 0, "holds_out": "these"}
    guesses = write(tmp_path / "it.parquet", fold=None, provenance=said)
    assert read(guesses, held_out="these").notes == () == read(guesses).notes
    with pytest.raises(SettingsError, match=r"comes from a model of fold 0 of another split; give guesses"):
        read(guesses, held_out="others")
    assert "12 of 12 clips" in read(guesses.model_copy(update={"leak": True}), held_out="others").notes[0]
    parts = [said, {"fold": 1, "holds_out": "others"}]
    mean = write(tmp_path / "mean.parquet", provenance={"fold": None, "mean_of": parts})
    assert read(mean, held_out="these").notes == ()
    with pytest.raises(SettingsError, match="of another split"):
        read(mean, held_out="others")


def test_guesses_of_models_that_have_learnt_the_very_clips_are_noted(tmp_path):
    guesses = write(tmp_path / "it.parquet", fold=None, provenance={"fold": 0, "out_of_fold": False})
    assert read(guesses).notes == (
        "Some guesses for stream 'noisy' come from models that have learnt from the very clips they guess.",
    )
    assert read(guesses.model_copy(update={"learnt": True})).notes == ()


def test_a_run_says_its_fold_for_all_its_guesses(tmp_path):
    guesses = write(tmp_path / "it.parquet", fold=None, provenance={"fold": 0})
    assert read(guesses).notes == ()
    with pytest.raises(SettingsError, match="of fold 0"):
        read(guesses, fold=3)
