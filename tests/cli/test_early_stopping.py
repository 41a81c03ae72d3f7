"""Early stopping: it waits for scores, keeps the best epoch, and a run that stopped stays stopped."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from earmark.runs.checkpoints import load
from earmark.stages.train import best_epoch
from tests.cli.conftest import train_arguments


def test_unscored_epochs_are_no_reason_to_stop(earmark, sounds: Path, tmp_path: Path, monkeypatch) -> None:
    scores = iter([0.5, 0.6, 0.55, 0.58])
    monkeypatch.setattr("earmark.stages.train._held_out_score", lambda tagger, clips: next(scores))
    changes = ("training.early_stopping={patience_epochs: 3}", "training.score_epochs=2", "training.epochs=12")
    options = [part for change in changes for part in ("-s", change)]
    said = earmark(*train_arguments(sounds, tmp_path, "--fold", "0", *options))
    assert said.code == 0 and "stopped" in said.err
    rows = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert [row["epoch"] for row in rows if "held_out_lwlrap" in row] == [2, 4, 6]
    assert len(rows) == 7, "the best epoch is 4, and patience runs out three epochs later"
    best, facts = load(tmp_path / "run" / "checkpoints" / "best.safetensors")
    tagger, _ = load(tmp_path / "run" / "tagger.safetensors")
    assert facts["history"][-1]["epoch"] == 4
    name = "encoder.blocks.0.convolutions.0.weight"
    assert torch.equal(tagger[f"network/{name}"], best[f"average/{name}"])


@pytest.mark.parametrize(
    ("scores", "gain", "best"),
    [([], 0, None), ([None, None], 0, None), ([0.1, 0.3, 0.3, 0.2], 0, 2), ([0.1, 0.12, 0.2], 0.05, 3)],
)
def test_the_best_epoch(scores, gain: float, best: int | None) -> None:
    rows = [{"epoch": i + 1} | ({} if s is None else {"held_out_lwlrap": s}) for i, s in enumerate(scores)]
    assert best_epoch(rows, gain) == best
