"""Guesses about noisy clips: whose say counts, how they are averaged, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from earmark.core.errors import DataError, RunError
from earmark.core.manifest import Manifest
from earmark.core.predictions import Predictions
from earmark.data.tables import write_predictions
from earmark.runs.folder import RunFolder
from earmark.stages import predict as stage
from earmark.stages.predict import guess_noisy, mean_of, members_of, runs_in
from earmark.stages.show import Silent

CLASSES = ("x", "y")


def part(fold: int | None, without: tuple[str, ...] = (), **rows: float) -> Predictions:
    scores = np.array([[value, -value] for value in rows.values()])
    return Predictions(tuple(rows), CLASSES, scores, provenance={"fold": fold, "without": list(without)})


def test_the_mean_is_over_those_who_have_a_say() -> None:
    whole = mean_of([part(0, a=1.0, b=2.0), part(1, b=4.0, c=5.0)], ["a", "b", "c", "d"])
    assert whole.ids == ("a", "b", "c") and whole.scores[:, 0].tolist() == [1, 3, 5]
    assert whole.folds is None and whole.provenance["out_of_fold"] is True
    backwards = mean_of([part(1, b=4.0, c=5.0), part(0, a=1.0, b=2.0)], ["a", "b", "c", "d"])
    assert np.array_equal(backwards.scores, whole.scores)


def test_folds_stand_beside_guesses_that_one_model_made() -> None:
    whole = mean_of([part(1, c=5.0), part(0, a=1.0, b=2.0)], ["a", "b", "c"])
    assert whole.folds is not None and whole.folds.tolist() == [0, 0, 1]


def test_clips_that_nobody_could_hear_are_noted() -> None:
    whole = mean_of([part(0, ("bad", "b"), a=1.0), part(1, ("bad",), a=2.0, b=1.0)], ["a", "b", "bad"])
    assert whole.provenance["without"] == ["bad"]


def run_at(path: Path, learnt: list[str] | None, *, finished: bool = True) -> RunFolder:
    run = RunFolder(path)
    run.claim("abc", {}, {"fold": 0})
    run.note({"finished": finished})
    run.write_json("learnt.json", {"classes": list(CLASSES), "clips": learnt})
    return run


def test_a_folder_holds_one_run_or_one_a_fold(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="holds no run"):
        runs_in(tmp_path)
    for fold in (1, 0):
        run_at(tmp_path / f"fold-{fold}", [])
    assert [run.path.name for run in runs_in(tmp_path)] == ["fold-0", "fold-1"]
    run_at(tmp_path / "fold-2", [], finished=False)
    with pytest.raises(RunError, match=r"fold-2' is not finished"):
        runs_in(tmp_path)
    assert [run.path for run in runs_in(tmp_path / "fold-0")] == [tmp_path / "fold-0"]


def test_single_tables_are_members_of_a_mean(tmp_path: Path) -> None:
    for fold in (0, 1):
        run = run_at(tmp_path / f"fold-{fold}", [])
        write_predictions(part(fold, a=1.0), run.predictions("noisy"))
    assert [place.parent.parent.name for place in members_of(tmp_path)] == ["fold-0", "fold-1"]
    assert members_of(tmp_path / "fold-0") == []
    write_predictions(part(0, a=1.0), tmp_path / "fold-0" / "predictions" / "noisy-epoch-0002.parquet")
    assert [place.stem for place in members_of(tmp_path)] == ["noisy-epoch-0002", "noisy"]


def manifest() -> Manifest:
    clips = {
        "id": ["a", "b", "c"],
        "file": ["a", "b", "c"],
        "origin": ["noisy", "noisy", "curated"],
        "group": ["g", "g", "g"],
    }
    return Manifest.of(pl.DataFrame(clips), classes=CLASSES)


@pytest.mark.parametrize(
    ("learnt", "fault", "kind"),
    [
        (None, "does not say what it has learnt from", RunError),
        (["a", "b"], "has learnt from all noisy clips, so nobody can judge them", DataError),
        (["b"], "has learnt from all noisy clips", DataError),
    ],
    ids=["unknown past", "learnt", "learnt from its group"],
)
def test_who_has_learnt_from_a_clip_has_no_say(
    tmp_path: Path, learnt: list[str] | None, fault: str, kind: type[Exception]
) -> None:
    run_at(tmp_path, learnt)
    with pytest.raises(kind, match=fault):
        guess_noisy(tmp_path, manifest(), None, Silent())  # type: ignore[arg-type]  # refused before anything is heard
    assert json.loads((tmp_path / "learnt.json").read_text())["clips"] == learnt


def test_trusted_labels_give_no_doubtful_one_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[tuple[str, ...]] = []

    def by_run(run: RunFolder, asked: object, wanted: Manifest, *_: object) -> tuple[list[Path], None]:
        heard.append(wanted.ids)
        write_predictions(part(0, a=1.0, b=2.0), run.predictions("noisy"))
        return [run.predictions("noisy")], None

    monkeypatch.setattr(stage, "_by_run", by_run)
    run_at(tmp_path, ["c"])
    made = guess_noisy(tmp_path, manifest(), None, Silent())  # type: ignore[arg-type]  # nothing is read from a store
    assert heard == [("a", "b")] and (made.n_clips, made.n_unheard) == (2, 0)
