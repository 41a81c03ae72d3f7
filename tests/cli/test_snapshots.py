"""Snapshots at the ends of cycles, averages with fresh statistics, and rates that the held-out clips choose."""

from __future__ import annotations

import json
from pathlib import Path

import torch

from earmark.inference.tagger import load_tagger
from earmark.runs.checkpoints import load
from earmark.runs.folder import RunFolder
from tests.cli.conftest import train_arguments
from tests.cli.test_bad_input import refused

CYCLES = (
    "training.epochs=5",
    "training.snapshots=true",
    "training.schedule={kind: cosine_restarts, period_epochs: 2}",
    "training.average={kind: swa, from_share: 0.4, refresh_batches: 2}",
)


def options(*changes: str) -> list[str]:
    return [part for change in changes for part in ("-s", change)]


def test_each_end_of_a_cycle_leaves_a_tagger(earmark, sounds: Path, tmp_path: Path) -> None:
    said = earmark(*train_arguments(sounds, tmp_path, "--fold", "0", *options(*CYCLES)))
    assert said.code == 0, said.err
    run = RunFolder(tmp_path / "run")
    assert list(run.snapshots) == [2, 4, 5] == run.facts()["snapshots"]
    states = {epoch: load(path)[0] for epoch, path in run.snapshots.items()}
    last, _ = load(run.tagger)
    assert all(torch.equal(value, states[5][name]) for name, value in last.items()), "the last one is the tagger"
    assert any(not torch.equal(value, states[2][name]) for name, value in last.items())
    clip = min((sounds / "test").iterdir())
    assert load_tagger(run.snapshot(2)).tag(clip) != load_tagger(run.tagger).tag(clip)
    assert earmark("tag", run.snapshot(4), clip).code == 0


def test_snapshots_of_a_training_that_was_stopped_are_the_same(
    earmark, sounds: Path, tmp_path: Path, monkeypatch
) -> None:
    import earmark.stages.train as stage

    whole, broken = tmp_path / "whole", tmp_path / "broken"
    common = ("--store", tmp_path / "store", *options(*CYCLES))
    assert earmark(*train_arguments(sounds, whole, *common)).code == 0
    keep, calls = stage._keep, []

    def killed(*rest: object) -> None:
        calls.append(1)
        if len(calls) == 2:  # the snapshot of epoch 2 is there, its checkpoint is not
            raise KeyboardInterrupt
        keep(*rest)

    monkeypatch.setattr(stage, "_keep", killed)
    assert earmark(*train_arguments(sounds, broken, *common)).code == 130
    assert list(RunFolder(broken / "run").snapshots) == [2]
    assert earmark(*train_arguments(sounds, broken, *common)).code == 0
    one, other = RunFolder(whole / "run"), RunFolder(broken / "run")
    assert list(one.snapshots) == list(other.snapshots) == [2, 4, 5]
    for place, again in zip(
        (*one.snapshots.values(), one.tagger), (*other.snapshots.values(), other.tagger), strict=True
    ):
        mine, theirs = load(place)[0], load(again)[0]
        assert all(torch.equal(value, theirs[name]) for name, value in mine.items())


def test_a_rate_that_the_held_out_clips_choose(earmark, sounds: Path, tmp_path: Path) -> None:
    watching = options(
        "training.schedule={kind: plateau, watch: score, patience_epochs: 0, least_gain: 9}", "training.watch=held_out"
    )
    refused(earmark(*train_arguments(sounds, tmp_path, *watching)), 2, "training.schedule", "--fold")
    said = earmark(*train_arguments(sounds, tmp_path, "--fold", "0", *watching, *options("training.epochs=4")))
    assert said.code == 0, said.err
    rows = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    top = rows[0]["lr"]
    assert [round(row["lr"] / top, 4) for row in rows] == [1, 1, 0.6, 0.36]
    assert "chose the learning rate" in (tmp_path / "run" / "report.html").read_text(encoding="utf-8")


def test_a_rate_that_the_loss_chooses_needs_no_fold_and_chooses_nothing_else(
    earmark, sounds: Path, tmp_path: Path
) -> None:
    said = earmark(*train_arguments(sounds, tmp_path, *options("training.schedule=plateau")))
    assert said.code == 0, said.err
    assert "a little too good" not in (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
