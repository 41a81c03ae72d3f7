"""Summaries for TensorBoard with a writer that only remembers; with TensorBoard itself where it is installed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from earmark.runs import summaries as module
from earmark.runs.summaries import scalars, summaries

ROWS = [
    {"epoch": n, "labels": 1 / n, "total": 2 / n, "lr": 0.1, "clips_per_s": 9.0, "note": "x", "fine": True}
    | ({"held_out_lwlrap": 0.5} if n == 2 else {})
    for n in (1, 2, 3)
]


class Remembering:
    """What a writer was told, by folder."""

    told: dict[str, list[tuple[str, float, int]]]
    closed: list[str]

    def __init__(self, folder: str) -> None:
        self.folder = folder
        Path(folder).mkdir(parents=True, exist_ok=True)
        (Path(folder) / "events.out.tfevents.1.here").write_text(str(len(self.told)))
        self.told[folder] = []

    def add_scalar(self, tag: str, scalar_value: float, global_step: int) -> None:
        self.told[self.folder].append((tag, scalar_value, global_step))

    def flush(self) -> None: ...

    def close(self) -> None:
        self.closed.append(self.folder)


@pytest.fixture
def writer(monkeypatch: pytest.MonkeyPatch) -> type[Remembering]:
    Remembering.told, Remembering.closed = {}, []
    monkeypatch.setattr(module, "writer_class", lambda: Remembering)
    return Remembering


def test_each_epoch_is_written_once_under_its_number(writer: type[Remembering], tmp_path: Path) -> None:
    said: list[str] = []
    with summaries(tmp_path, said.append) as curves:
        for n in (1, 2, 2, 3):
            curves.write(ROWS[:n])
        assert not writer.closed
    (told,) = writer.told.values()
    assert [step for tag, _, step in told if tag == "loss/total"] == [1, 2, 3]
    assert ("held_out/lwlrap", 0.5, 2) in told and ("training/lr", 0.1, 3) in told
    assert len(told) == len(set(told)) == 4 * 3 + 1, "words and flags are no curves"
    assert writer.closed == [str(tmp_path / "summaries")] and not said


def test_a_run_that_goes_on_writes_its_past_anew_and_takes_the_former_away(
    writer: type[Remembering], tmp_path: Path
) -> None:
    place = tmp_path / "summaries"
    place.mkdir()
    (place / "events.out.tfevents.0.elsewhere").write_text("an epoch that was never kept")
    (place / "notes.txt").write_text("mine")
    with summaries(tmp_path, print) as curves:
        curves.write(ROWS[:2])
        curves.write(ROWS)
    assert sorted(path.name for path in place.iterdir()) == ["events.out.tfevents.1.here", "notes.txt"]
    assert [step for tag, _, step in writer.told[str(place)] if tag == "loss/total"] == [1, 2, 3]


def test_it_is_closed_whatever_happens(writer: type[Remembering], tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), summaries(tmp_path, print):
        raise KeyboardInterrupt
    assert len(writer.closed) == 1


def test_without_tensorboard_one_line_says_so_and_nothing_is_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def missing(name: str) -> Any:
        raise ModuleNotFoundError("No module named 'tensorboard'")

    monkeypatch.setattr(module, "import_module", missing)
    said: list[str] = []
    with summaries(tmp_path, said.append) as curves:
        curves.write(ROWS)
    assert len(said) == 1 and "pip install 'earmark[tensorboard]'" in said[0]
    with summaries(tmp_path, said.append, wanted=False) as curves:
        curves.write(ROWS)
    assert len(said) == 1 and not list(tmp_path.iterdir())


def test_signs_of_parts_are_curves_of_their_own() -> None:
    row = {"epoch": 1, "signs": {"guesses": {"entropy": 0.3, "drift": 0.1}}, "gradient_norm": 2}
    assert scalars(row) == {"signs/guesses.entropy": 0.3, "signs/guesses.drift": 0.1, "training/gradient_norm": 2.0}


def test_tensorboard_reads_what_was_written(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="needs the extra: pip install 'earmark[tensorboard]'")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    with summaries(tmp_path, print) as curves:
        curves.write(ROWS)
    read = EventAccumulator(str(tmp_path / "summaries")).Reload()
    assert [event.step for event in read.Scalars("loss/total")] == [1, 2, 3]
