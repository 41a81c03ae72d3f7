"""What a run's folder holds beside its weights: the class map, taggers on the way, and summaries for TensorBoard."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from earmark.data.tables import read_predictions
from earmark.runs import summaries
from earmark.runs.folder import RunFolder
from tests.cli.conftest import train_arguments
from tests.runs.test_summaries import Remembering

ON_THE_WAY = ("-s", "training.epochs=3", "-s", "training.snapshot_epochs=2", "-s", "training.summaries=true")


def test_the_class_map_gives_the_column_of_every_class(trained: Path) -> None:
    classes = json.loads((trained / "run" / "classes.json").read_text())
    assert tuple(classes) == read_predictions(trained / "run" / "predictions" / "test.parquet").classes
    assert list(classes.values()) == list(range(len(classes)))
    assert (trained / "run" / "command.txt").read_text().startswith("earmark train demo --data ")
    assert (trained / "run" / "environment.json").is_file()


def test_the_report_draws_loss_and_learning_rate(trained: Path) -> None:
    page = (trained / "run" / "report.html").read_text()
    assert "Loss in training" in page and "Learning rate" in page


def test_a_training_that_was_stopped_has_whole_curves_and_every_tagger(
    earmark, sounds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import earmark.stages.train as stage

    Remembering.told, Remembering.closed = {}, []
    monkeypatch.setattr(summaries, "writer_class", lambda: Remembering)
    keep, n_kept = stage._keep, 0

    def stopping(*arguments: object) -> None:
        nonlocal n_kept
        keep(*arguments)  # type: ignore[arg-type]
        n_kept += 1
        if n_kept == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(stage, "_keep", stopping)
    call = train_arguments(sounds, tmp_path, *ON_THE_WAY)
    assert earmark(*call).code == 130
    place = str(tmp_path / "run" / "summaries")
    assert _epochs(place) == [1] and Remembering.closed == [place], "the second epoch was kept, but not drawn"
    assert earmark(*call).code == 0
    assert _epochs(place) == [1, 2, 3]
    assert list(RunFolder(tmp_path / "run").snapshots) == [2]
    monkeypatch.setattr(summaries, "writer_class", lambda: None)
    said = earmark(*train_arguments(sounds, tmp_path / "without", *ON_THE_WAY))
    assert said.code == 0 and said.err.count("pip install 'earmark[tensorboard]'") == 1
    assert not (tmp_path / "without" / "run" / "summaries").exists()


def _epochs(place: str) -> list[int]:
    return [step for tag, _, step in Remembering.told[place] if tag == "loss/total"]
