"""Scores are of what was asked for: nothing is passed over in silence, and no part is in the way of another."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from earmark.core.errors import DataError
from earmark.core.manifest import Manifest
from earmark.core.predictions import Predictions
from earmark.data.tables import read_predictions, write_predictions
from earmark.stages.score import judge, rows
from tests.cli.test_bad_input import refused


def some(predictions: Predictions, n: int) -> Predictions:
    return predictions.aligned(predictions.ids[:n])


def test_labelled_clips_without_a_prediction_are_refused(earmark, sounds: Path, trained: Path, tmp_path: Path) -> None:
    for part, truth in (("test", sounds / "test.csv"), ("test", sounds), ("held_out", sounds)):
        whole = read_predictions(trained / "run" / "predictions" / f"{part}.parquet")
        write_predictions(some(whole, len(whole) - 2), tmp_path / "half.parquet")
        said = earmark("score", tmp_path / "half.parquet", "--truth", truth)
        refused(said, 3, "2 labelled clips have no prediction", whole.ids[-2])


def table_of(ids: str, folds: list[int] | None = None, classes: tuple[str, ...] = ("a", "b")) -> Predictions:
    scores = np.arange(len(ids) * len(classes), dtype=np.float32).reshape(len(ids), len(classes))
    return Predictions(tuple(ids), classes, scores, folds=None if folds is None else np.array(folds))


def manifest_of(**columns: object) -> Manifest:
    clips = pl.DataFrame({"id": list("cdefgt"), "file": [f"{name}.wav" for name in "cdefgt"], **columns})
    labels = pl.DataFrame({"clip": list("cdefgt"), "label": ["a", "b"] * 3})
    return Manifest.of(clips, labels, classes=("a", "b"))


PARTS = {"part": ["train"] * 5 + ["test"], "origin": ["curated"] * 4 + ["noisy", "curated"]}


def test_held_out_predictions_speak_for_the_curated_clips_of_their_folds() -> None:
    truth = manifest_of(**PARTS, fold=[0, 0, 1, 1, 0, None])
    for whole in (table_of("cd", [0, 0]), table_of("cdef", [0, 0, 1, 1]), table_of("t")):
        assert judge(whole, truth).without == ()
    for part in (table_of("c", [0]), table_of("cde", [0, 0, 1]), table_of("cd")):
        with pytest.raises(DataError, match="no prediction"):
            judge(part, truth)
    assert judge(table_of("c", [0]), truth, excused={"d"}).without == ("d",)
    assert judge(table_of("c", [0]), manifest_of(**PARTS)).without == ()  # nobody says what else is in fold 0


def test_each_side_is_blamed_for_what_it_lacks(earmark, sounds: Path, trained: Path, tmp_path: Path) -> None:
    truth = manifest_of()
    with pytest.raises(DataError, match=r"predictions have no column for class 'b'.*did you mean 'bb'"):
        judge(table_of("cdefgt", classes=("a", "bb")), truth)
    with pytest.raises(DataError, match="truth knows nothing of class 'c'"):
        judge(table_of("cdefgt", classes=("a", "b", "c")), truth)
    with pytest.raises(DataError, match="no rows"):
        judge(table_of(""), truth)
    whole = read_predictions(trained / "run" / "predictions" / "test.parquet")
    used = pl.read_csv(sounds / "test.csv")["labels"][0].split(",")[0]
    write_predictions(whole.aligned(whole.ids, [c for c in whole.classes if c != used]), tmp_path / "t.parquet")
    refused(
        earmark("score", tmp_path / "t.parquet", "--truth", sounds / "test.csv"), 3, f"no column for class '{used}'"
    )


def test_clips_of_one_group_are_drawn_together_where_there_are_enough_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    grouped, alone = manifest_of(group=["x", "x", "x", "y", "y", "y"]), manifest_of()
    assert judge(table_of("cdefgt"), grouped).groups is None, "intervals over two groups would be too narrow"
    monkeypatch.setattr("earmark.stages.score._FEWEST_GROUPS", 2)
    judged = judge(table_of("cdefgt"), grouped)
    assert judged.groups is not None and judged.groups.tolist() == ["x", "x", "x", "y", "y", "y"]
    assert judge(table_of("cdefgt"), alone).groups is None
    one, other = rows(judged, "all")[0].lwlrap, rows(judge(table_of("cdefgt"), alone), "all")[0].lwlrap
    assert one is not None and other is not None
    assert one.value == other.value and (one.low, one.high) != (other.low, other.high)


def test_runs_are_compared_part_by_part(earmark, sounds: Path, trained: Path) -> None:
    run = trained / "run"
    said = earmark("score", run, "--truth", sounds, "--against", run, "--json")
    assert said.code == 0, said
    both = json.loads(said.out)
    assert [Path(row["predictions"]).stem for row in both] == ["held_out", "test"]
    assert [Path(row["difference"]["against"]).stem for row in both] == ["held_out", "test"]
    said = earmark("score", run, "--truth", sounds / "test.csv", "--against", run, "--json")
    assert said.code == 0 and "held_out" in said.err and "not scored" in said.err
    assert [Path(row["difference"]["against"]).stem for row in json.loads(said.out)] == ["test"]


def test_json_knows_no_nan(earmark, tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("fname,A,B\na.wav,0.5,1\n")
    (tmp_path / "t.csv").write_text("fname,labels\na.wav,A\n")
    said = earmark("score", tmp_path / "p.csv", "--truth", tmp_path / "t.csv", "--json", "--classes")
    assert said.code == 0 and "NaN" not in said.out
    assert json.loads(said.out)[0]["scores"][0]["lwlrap"] == {"value": 0.5, "low": None, "high": None}
