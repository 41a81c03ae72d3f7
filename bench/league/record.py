"""What is noted of a line: its state, its command, and the stages that it left."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.league.line import Line
from bench.league.outline import Way
from bench.league.place import Place
from earmark.core.errors import EarmarkError
from earmark.core.files import disk_full, is_disk_full
from earmark.stages.sequence.standing import read as read_sequence

Row = dict[str, Any]
"""A stage: ``stage`` (its name), ``does``, ``reads`` (names of others), ``folder`` (below that of the league)."""

FINISHED, FAILED = "finished", "failed"


def record_of(line: Line, place: Place) -> dict[str, Any]:
    """What is noted of a line; empty where nothing is, or where the line was another then."""
    found = place.read(f"lines/{line.name}.json") or {}
    return found if found.get("line") == _plain(line) else {}


def note(line: Line, place: Place, facts: dict[str, Any]) -> None:
    """Note what became of a line."""
    place.write(f"lines/{line.name}.json", {"line": _plain(line), **facts})


def is_finished(line: Line, place: Place) -> bool:
    """Whether nothing of a line is left to do."""
    return record_of(line, place).get("state") == FINISHED


def sentence_of(error: Exception, place: Place) -> str:
    """What befell a line, in one sentence."""
    if is_disk_full(error) and not isinstance(error, EarmarkError):
        error = disk_full(place.out)
    text = " ".join(str(error).split())
    return text if isinstance(error, EarmarkError) else f"something unexpected: {type(error).__name__}: {text}"


def stages_in(folder: Path, line: Line, way: Way, out: Path) -> list[Row]:
    """The stages of a line that was carried out in a folder; a recipe is one."""
    if way == "recipe":
        return [{"stage": line.name, "does": "train", "reads": [], "folder": os.path.relpath(folder, out)}]
    rows = read_sequence(folder)["stages"]
    return [
        {
            **{key: row[key] for key in ("stage", "does", "reads")},
            "folder": os.path.relpath(folder / row["folder"], out),
        }
        for row in rows
    ]


def kind(row: Row) -> str:
    """What a stage does, in one word: train, finished (a training), predict, blend, guess or clean."""
    return str(row["does"]).split()[0]


def is_training(row: Row) -> bool:
    """Whether a stage has runs."""
    return kind(row) in ("train", "finished")


def speakers(rows: Sequence[Row], name: str) -> list[Row]:
    """The stages whose models speak for a stage: trainings and predictions, each once and in order."""
    by_name = {row["stage"]: row for row in rows}
    row = by_name[name]
    if kind(row) != "blend":
        return [row] if is_training(row) or kind(row) == "predict" else []
    found: dict[str, Row] = {}
    for each in row["reads"]:
        found |= {one["stage"]: one for one in speakers(rows, each)}
    return list(found.values())


def trainings(rows: Sequence[Row], name: str) -> list[Row]:
    """Everything that was trained for a stage, what went before it included."""
    by_name = {row["stage"]: row for row in rows}
    found: dict[str, Row] = {}
    waiting = [name]
    while waiting:
        row = by_name[waiting.pop()]
        if row["stage"] not in found:
            found[row["stage"]] = row
            waiting += row["reads"]
    return [row for row in rows if row["stage"] in found and is_training(row)]


def _plain(line: Line) -> Any:
    """What of a line decides what it leaves, as JSON has it."""
    decides = {name: value for name, value in line._asdict().items() if name not in ("says", "own", "listed")}
    return json.loads(json.dumps(decides))
