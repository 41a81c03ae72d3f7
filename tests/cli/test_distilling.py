"""earmark distil as somebody types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from earmark.data.tables import read_predictions
from tests.cli.conftest import TINY

STUDENT = [part for change in TINY for part in ("-s", change)]


def test_a_student_learns_from_finished_runs_and_then_there_is_nothing_left_to_do(
    earmark, trained: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    command = ["distil", f"one={trained / 'run'}", "--recipe", "demo", "--out", out, "--store", trained / "store"]
    said = earmark(*command, *STUDENT, "-s", "weight=2", "-s", "blend.normalise={how: range, by: themselves}")
    assert said.code == 0, said.err
    assert "stage 4 of 5, student-teacher: blend one (arithmetic)" in said.err
    assert "guess of train clips by one" in said.err and "use it like any run" in said.err
    standing = json.loads((out / "sequence.json").read_text())
    assert (standing["sequence"], standing["fold"]) == ("distil", "0")
    places = {row["stage"]: out / row["folder"] for row in standing["stages"]}
    told = read_predictions(places["student-teacher"] / "predictions" / "train.parquet")
    assert told.provenance["fold"] == 0
    run = json.loads((places["student"] / "run.json").read_text())
    assert run["finished"] and run["fold"] == 0 and "notes" not in run
    assert "weight: 2" in (places["student"] / "recipe.yaml").read_text()
    again = earmark(*command, *STUDENT, "-s", "weight=2", "-s", "blend.normalise={how: range, by: themselves}")
    assert again.code == 0 and again.err.count("finished before, skipped") == 5


def test_refusals_are_a_sentence(earmark, trained: Path, tmp_path: Path) -> None:
    def refused(*words: object) -> str:
        said = earmark("distil", *words, "--out", tmp_path / "out", "--store", trained / "store")
        assert said.code in (2, 3, 4) and "Traceback" not in said.err and not (tmp_path / "out").exists()
        return str(said.err)

    run = trained / "run"
    assert "there is no blend 'arithmetics'; did you mean 'arithmetic'" in refused(run, "--how", "arithmetics")
    assert "holds no run" in refused(tmp_path)
    assert "is to be judged by fold '1', but its teacher 'teacher' holds out fold 0" in refused(run, "--fold", "1")
    assert "what the student learns" in refused(run, "-s", "weight=0")
    assert "no such setting" in refused(run, "--recipe", "demo", "-s", "training.epoch=3")


@pytest.mark.parametrize("what", ["DistilSettings", "PredictSettings", "system.akiyama_sato", "system.schoneveld"])
def test_settings_explain_themselves(earmark, what: str) -> None:
    said = earmark("show", what)
    assert said.code == 0 and "default" in said.out
