"""The choice on held-out clips: what helps is taken, what does not is left, and no fold judges its own choice."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from earmark.core.errors import DataError, SettingsError
from earmark.core.predictions import Predictions
from earmark.data.tables import read_predictions, write_predictions
from earmark.metrics import lwlrap
from earmark.runs.folder import RunFolder
from earmark.stages.choose import AS_TRAINED, candidates_in, choose, greedy, keep
from earmark.stages.show import Silent

N, CLASSES = 60, ("a", "b", "c", "d")
RNG = np.random.default_rng(3)
LABEL = RNG.integers(0, 4, N)
IDS = tuple(f"{i}.wav" for i in range(N))
FOLDS = np.arange(N) % 4


def guesses(noise: float, seed: int) -> Predictions:
    """Logits that know the label as well as the noise lets them."""
    scores = 2.0 * np.eye(4)[LABEL] + noise * np.random.default_rng(seed).standard_normal((N, 4))
    return Predictions(IDS, CLASSES, scores, folds=FOLDS.copy())


@pytest.fixture
def truth(tmp_path: Path) -> Path:
    place = tmp_path / "truth.csv"
    pl.DataFrame({"fname": IDS, "labels": [CLASSES[i] for i in LABEL]}).write_csv(place)
    return place


def test_what_helps_is_taken_and_noise_is_left(truth: Path) -> None:
    candidates = {"one": guesses(1.5, 0), "two": guesses(1.5, 1), "noise": guesses(40.0, 2)}
    choice = choose(candidates, truth, Silent())
    assert set(choice.names) == {"one", "two"}
    assert set(choice.by_fold) == {0, 1, 2, 3} and choice.scores["noise"] < 0.6
    targets = np.eye(4)[LABEL]
    rows = [IDS.index(name) for name in choice.chosen.predictions.ids]
    assert choice.scores["one"] == pytest.approx(lwlrap(targets, candidates["one"].scores))
    nested = lwlrap(targets[rows], choice.chosen.predictions.scores)
    assert nested > lwlrap(targets[rows], choice.everything.predictions.scores)
    backwards = choose(dict(reversed(candidates.items())), truth, Silent())
    assert set(backwards.names) == set(choice.names)


def test_each_fold_is_scored_by_what_the_others_choose(truth: Path) -> None:
    """A candidate that is right on one fold alone is chosen by that fold, and must not serve it."""
    lucky = guesses(40.0, 5)
    scores = lucky.scores.copy()
    scores[FOLDS == 0] = 9.0 * np.eye(4)[LABEL[FOLDS == 0]]
    candidates = {"steady": guesses(1.0, 6), "lucky": dataclasses.replace(lucky, scores=scores)}
    choice = choose(candidates, truth, Silent(), most=1)
    assert choice.by_fold[0] == ("steady",)
    place = [IDS.index(name) for name in choice.chosen.predictions.ids]
    mine = np.isin(place, np.flatnonzero(FOLDS == 0))
    np.testing.assert_allclose(
        choice.chosen.predictions.scores[mine], candidates["steady"].scores[place][mine], rtol=1e-6
    )


def test_nothing_is_gained_from_many_candidates_of_noise(truth: Path) -> None:
    candidates = {str(i): guesses(1e6, 100 + i) for i in range(30)}
    choice = choose(candidates, truth, Silent())
    targets = np.eye(4)[[LABEL[IDS.index(name)] for name in choice.chosen.predictions.ids]]
    at_random = (1 + 1 / 2 + 1 / 3 + 1 / 4) / 4
    assert max(choice.scores.values()) > at_random + 0.03, "on the clips that choose, the best one looks like more"
    assert lwlrap(targets, choice.chosen.predictions.scores) < at_random + 0.15


@pytest.mark.parametrize("mean", ["probability", "geometric", "mean"])
def test_means_grow_by_one_as_they_would_at_once(truth: Path, mean: str) -> None:
    candidates = {str(i): guesses(3.0, i) for i in range(4)}
    choice = choose(candidates, truth, Silent(), least_gain=-1.0, pool=mean)  # type: ignore[arg-type]
    assert len(choice.names) == 4, "a bound below any gain takes all"
    np.testing.assert_allclose(
        choice.chosen.predictions.scores, choice.everything.predictions.scores, rtol=1e-4, atol=1e-5
    )


def test_bounds_hold(truth: Path) -> None:
    candidates = {str(i): guesses(3.0, i) for i in range(5)}
    assert len(choose(candidates, truth, Silent(), most=2).names) <= 2
    assert len(choose(candidates, truth, Silent(), least_gain=1.0).names) == 1
    assert greedy("ab", lambda names: 1.0, most=2, gain=0) == ("a",)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda p: dataclasses.replace(p, folds=None), "'other' do not say which fold's model made them"),
        (lambda p: dataclasses.replace(p, folds=np.full(N, -1)), "only held-out predictions may choose"),
        (lambda p: p.aligned(IDS[:-1]), "'other' and 'one' predict other clips"),
        (lambda p: p.aligned(IDS, CLASSES[:-1]), "'other' and 'one' predict other classes"),
        (lambda p: dataclasses.replace(p, folds=FOLDS[::-1].copy()), "hold out other folds"),
    ],
)
def test_what_may_not_choose_is_refused(truth: Path, change, fault: str) -> None:
    with pytest.raises(DataError, match=fault):
        choose({"one": guesses(1.0, 0), "other": change(guesses(1.0, 1))}, truth, Silent())


def test_one_fold_and_other_means_are_refused(truth: Path) -> None:
    alone = {name: dataclasses.replace(guesses(1.0, i), folds=np.zeros(N, np.int64)) for i, name in enumerate("ab")}
    with pytest.raises(DataError, match="needs several; train with --fold each"):
        choose(alone, truth, Silent())
    with pytest.raises(SettingsError, match="must be one of probability, mean, geometric, got 'max'"):
        choose({"a": guesses(1.0, 0), "b": guesses(1.0, 1)}, truth, Silent(), pool="max")


def test_a_choice_is_kept_beside_the_run_and_is_no_candidate(tmp_path: Path, truth: Path) -> None:
    run = RunFolder(tmp_path / "run")
    with pytest.raises(DataError, match="holds 0 held-out predictions"):
        candidates_in(run.path, "chosen")
    for name, seed in (("", 0), ("-padded", 1), ("-slices", 2)):
        write_predictions(guesses(2.0, seed), run.predictions(f"held_out{name}"))
        if name != "-slices":
            write_predictions(guesses(2.0, seed + 10), run.predictions(f"test{name}"))
    candidates = candidates_in(run.path, "chosen")
    assert set(candidates) == {AS_TRAINED, "padded", "slices"}
    choice = dataclasses.replace(choose(candidates, truth, Silent()), names=(AS_TRAINED, "padded"))
    written = keep(choice, run.path, "chosen", "mean", {"most": None})
    assert [place.name for place in written] == ["chosen.json", "held_out-chosen.parquet", "test-chosen.parquet"]
    made = read_predictions(written[2])
    np.testing.assert_allclose(made.scores, (guesses(2.0, 10).scores + guesses(2.0, 11).scores) / 2, rtol=1e-5)
    assert json.loads(written[0].read_text())["chosen"] == [AS_TRAINED, "padded"]
    assert set(candidates_in(run.path, "chosen")) == set(candidates)
    with pytest.raises(SettingsError, match="'padded' is what a way of hearing is called here"):
        candidates_in(run.path, "padded")
    with pytest.raises(SettingsError, match="got 'two-words'; give another name with --as"):
        candidates_in(run.path, "two-words")
    without = dataclasses.replace(choice, names=("slices",))
    assert len(keep(without, run.path, "chosen", "mean", {})) == 2, "a part that was not predicted has no mean"
