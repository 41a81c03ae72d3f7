"""A term whose guesses go wrong is named on the terminal, and in what stays: the log and the report."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import train_arguments


def test_what_was_warned_of_is_kept(earmark, sounds: Path, tmp_path: Path, monkeypatch) -> None:
    sentence = "part 'labels' is in trouble: its guesses are the same for all clips"
    monkeypatch.setattr(
        "earmark.objectives.objective.Objective.warnings",
        lambda self, history: [sentence] if history[-1]["epoch"] == 2 else [],
    )
    said = earmark(*train_arguments(sounds, tmp_path, "--fold", "0", "-s", "training.epochs=3"))
    assert said.code == 0 and sentence in said.err
    rows = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert [row.get("warnings") for row in rows] == [None, [sentence], None]
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "In epoch 2 part &#39;labels&#39; is in trouble" in page
