"""earmark reproduce as somebody types it, and how systems explain themselves."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from earmark.cli.reproducing import stages_as_text

SMALL = ("--budget", "epochs=0.01,widths=0.06,seconds=0.3", "--fold", "0")


def test_systems_explain_themselves(earmark) -> None:
    assert "system.three_stages" in earmark("show", "system").out
    said = earmark("show", "system.three_stages").out
    assert "(J. Deng, 2019)" in said and "consistency: float, default 0.01" in said
    assert "epochs: float, default 1.0" in earmark("show", "Budget").out


def test_a_plan_is_shown_without_doing_anything(earmark, sounds: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    said = earmark("reproduce", "three_stages", "--data", sounds, "--out", out, "--plan", "-s", "legacy=true")
    assert said.code == 0 and not out.exists()
    lines = [line.split() for line in said.out.splitlines()[2:]]
    assert [line[1] for line in lines] == ["draw", "warm-up", "fine-tune", "guess", "filter", "semi-supervised"]


def test_refusals_are_a_sentence(earmark, sounds: Path, tmp_path: Path) -> None:
    def refused(*words: object) -> str:
        said = earmark("reproduce", *words, "--data", sounds, "--out", tmp_path / "out")
        assert said.code == 2 and not (tmp_path / "out").exists()
        return str(said.err)

    assert "no system of kind 'three_stage'; did you mean 'three_stages'" in refused("three_stage")
    assert "less than or equal to 1" in refused("three_stages", "--budget", "3")
    said = refused("three_stages", "-s", "warm_up.training.epochs=3")
    assert "there is no stage 'warm_up' to change; did you mean 'warm-up'?" in said
    assert "top: " in refused("three_stages", "-s", "top=none")
    assert "no such setting; did you mean 'epochs'" in refused("three_stages", "-s", "warm-up.training.epoch=3")
    assert "--fold must be a number" in refused("three_stages", "--fold", "last")


@pytest.mark.slow
def test_a_system_is_reproduced_and_a_late_change_redoes_the_end(earmark, sounds: Path, tmp_path: Path) -> None:
    shutil.copytree(sounds, tmp_path / "sounds")
    (tmp_path / "sounds" / "meta.csv").unlink()  # it says which clips were recorded together: too many for so few
    where = ("--data", tmp_path / "sounds", "--out", tmp_path / "out", "--store", tmp_path / "store", *SMALL)
    few = ("-s", "per_class=1", "-s", "top=17")
    said = earmark("reproduce", "three_stages", *where, *few)
    assert said.code == 0, said.err
    assert "stage 6 of 6, semi-supervised: train (begins with fine-tune, labels of filter)" in said.err
    table = said.err[said.err.index("stage            held-out lwlrap") :].splitlines()
    assert [line.split()[0] for line in table[2:5]] == ["warm-up", "fine-tune", "semi-supervised"]
    standing = json.loads((tmp_path / "out" / "sequence.json").read_text())
    assert (standing["sequence"], standing["fold"], standing["budget"]["epochs"]) == ("three_stages", "0", 0.01)
    for row in standing["stages"]:
        assert (tmp_path / "out" / row["folder"] / "report.html").is_file() or row["stage"] == "guess"
    again = earmark("reproduce", "three_stages", *where, *few, "-s", "consistency=0.5")
    assert again.code == 0 and again.err.count("finished before, skipped") == 5


def test_scores_of_clips_that_have_chosen_something_have_a_star() -> None:
    found = {"value": 0.5, "low": 0.4, "high": 0.6}
    rows = [
        {"stage": "honest", "scores": [{"part": "held out, fold 1", "lwlrap": found}]},
        {"stage": "fond", "scores": [{"part": "held out, fold 1, which chose the epoch", "lwlrap": found}]},
    ]
    said = stages_as_text(rows)
    assert "fond *" in said and "honest *" not in said and "training.watch" in said.splitlines()[-1]
    assert "*" not in stages_as_text(rows[:1])
