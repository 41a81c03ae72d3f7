"""Early stopping: it waits for scores, keeps the best epoch, and a run that stopped stays stopped."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
import torch

from earmark.data.tables import read_predictions
from earmark.runs.checkpoints import load
from earmark.stages.prepare import read_manifest
from earmark.stages.train import best_epoch
from tests.cli.conftest import train_arguments


def options(*changes: str) -> list[str]:
    return [part for change in changes for part in ("-s", change)]


def curated_of(sounds: Path) -> pl.DataFrame:
    return read_manifest(sounds, None).where(part="train", origin="curated").clips


def ids(run: Path, part: str) -> set[str]:
    return set(read_predictions(run / "predictions" / f"{part}.parquet").ids)


def test_unscored_epochs_are_no_reason_to_stop(earmark, sounds: Path, tmp_path: Path, monkeypatch) -> None:
    scores = iter([0.5, 0.6, 0.55, 0.58])
    monkeypatch.setattr("earmark.stages.train._score", lambda tagger, clips: next(scores))
    changes = ("training.early_stopping={patience_epochs: 3}", "training.score_epochs=2", "training.epochs=12")
    said = earmark(*train_arguments(sounds, tmp_path, "--fold", "0", *options(*changes, "training.watch=held_out")))
    assert said.code == 0 and "stopped" in said.err
    rows = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert [row["epoch"] for row in rows if "held_out_lwlrap" in row] == [2, 4, 6]
    assert len(rows) == 7, "the best epoch is 4, and patience runs out three epochs later"
    best, facts = load(tmp_path / "run" / "checkpoints" / "best.safetensors")
    tagger, _ = load(tmp_path / "run" / "tagger.safetensors")
    assert facts["history"][-1]["epoch"] == 4
    name = "encoder.blocks.0.convolutions.0.weight"
    assert torch.equal(tagger[f"network/{name}"], best[f"average/{name}"])


def test_the_fold_that_is_reported_chooses_nothing(earmark, sounds: Path, tmp_path: Path) -> None:
    stopping = options("training.early_stopping={patience_epochs: 1}", "training.epochs=3")
    said = earmark(*train_arguments(sounds, tmp_path, "--fold", "0", *stopping))
    run = tmp_path / "run"
    assert said.code == 0 and "put-aside lwlrap" in said.err and "held-out lwlrap" not in said.err
    folds = dict(curated_of(sounds).select("id", "fold").iter_rows())
    learnt = set(json.loads((run / "learnt.json").read_text())["clips"])
    there = sorted(set(folds.values()))
    assert {folds[clip] for clip in learnt & set(folds)} == set(there[2:])
    held_out, put_aside = ({folds[clip] for clip in ids(run, part)} for part in ("held_out", "put_aside"))
    assert held_out == {0} and put_aside == {there[1]}, "the next fold chooses"
    parts = [row["part"] for row in json.loads((run / "scores.json").read_text())]
    assert parts[:2] == ["held out, fold 0", "put aside, which chose the epoch"]
    assert "a little too good" not in (run / "report.html").read_text(encoding="utf-8")


def test_what_the_held_out_clips_chose_stands_beside_their_score(earmark, sounds: Path, tmp_path: Path) -> None:
    changes = ("training.early_stopping={patience_epochs: 1}", "training.epochs=2", "training.watch=held_out")
    said = earmark(*train_arguments(sounds, tmp_path, "--fold", "0,2", *options(*changes)))
    assert said.code == 0 and "held out, pooled, which chose the epoch" in said.err
    parts = [row["part"] for row in json.loads((tmp_path / "run" / "fold-0" / "scores.json").read_text())]
    assert parts[0] == "held out, fold 0, which chose the epoch"
    assert "a little too good" in (tmp_path / "run" / "fold-0" / "report.html").read_text(encoding="utf-8")


def test_of_unequal_parts_the_first_alone_is_learnt_from(earmark, sounds: Path, tmp_path: Path) -> None:
    split = options("folds={kind: holdout, ratio: [1, 1, 1]}", "training.epochs=1")
    said = earmark(*train_arguments(sounds, tmp_path, "--fold", "1", *split))
    run = tmp_path / "run"
    assert said.code == 0, said.err
    curated = set(curated_of(sounds)["id"])
    learnt = set(json.loads((run / "learnt.json").read_text())["clips"])
    parts = [learnt & curated, ids(run, "held_out"), ids(run, "put_aside")]
    assert set.union(*parts) == curated and sum(map(len, parts)) == len(curated)
    refused = earmark(*train_arguments(sounds, tmp_path / "none", "--fold", "0", *split))
    assert (
        refused.code == 2 and "fold 0 of folds 'holdout' is the one to learn from; hold out one of 1, 2" in refused.err
    )


def test_where_no_fold_is_left_to_choose_by_it_is_said(earmark, sounds: Path, tmp_path: Path) -> None:
    split = options("folds={kind: stratified, n_folds: 2}", "training.early_stopping={patience_epochs: 1}")
    said = earmark(*train_arguments(sounds, tmp_path, "--fold", "0", *split))
    assert said.code == 2 and "of folds 0, 1 none is left for that" in said.err and "training.watch" in said.err


@pytest.mark.parametrize(
    ("scores", "gain", "best"),
    [([], 0, None), ([None, None], 0, None), ([0.1, 0.3, 0.3, 0.2], 0, 2), ([0.1, 0.12, 0.2], 0.05, 3)],
)
def test_the_best_epoch(scores, gain: float, best: int | None) -> None:
    rows = [{"epoch": i + 1} | ({} if s is None else {"held_out_lwlrap": s}) for i, s in enumerate(scores)]
    assert best_epoch(rows, gain) == best
