"""The page of the sources' items as tests read it: its rows, and what each of their lines means.

Recipes are read with their changes, commands are parsed as they would be typed, what they name is looked up, and
systems write their stages down. Nothing is trained.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import typer

from earmark.cli.main import app
from earmark.cli.reproducing import read_system
from earmark.cli.showing import show_kind
from earmark.data.sources.fsdkaggle2019 import FSDKaggle2019
from earmark.stages import blend, clean
from earmark.stages.recipe import Recipe, read_recipe
from earmark.stages.sequence.ground import Ground
from earmark.stages.sequence.plan import Plan

PAGE = Path(__file__).resolve().parent.parent / "docs" / "coverage.md"


class Row(NamedTuple):
    """A row of the page."""

    item: str
    what: str
    lines: tuple[str, ...]
    legacy: tuple[str, ...]
    """What does as the source did by mistake; nothing where the column says default."""


def rows(text: str) -> Iterator[Row]:
    """The rows of the tables on the page.

    A cell is prose or lines in backticks with ``<br>`` between them.
    """
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if not re.match(r"S\d-\d\d$", cells[0].removeprefix("| ")):
            continue
        assert len(cells) == 4, f"a row has four cells: {line[:60]}"
        yield Row(
            cells[0].removeprefix("| "), cells[1], _lines(cells[2]), () if cells[3] == "default" else _lines(cells[3])
        )


def _lines(cell: str) -> tuple[str, ...]:
    found = [part.strip() for part in cell.split("<br>")]
    assert all(re.fullmatch(r"`[^`]+`", part) for part in found), f"lines stand in backticks, got {cell}"
    return tuple(part.strip("`") for part in found)


def beside(text: str) -> list[str]:
    """The lines behind the tables."""
    return re.findall(r"^`([^`]+)`(?:<br>)?$", text.partition("## Beside the sources")[2], re.MULTILINE)


@cache
def _commands() -> dict[str, Any]:
    return dict(typer.main.get_command(app).commands)  # type: ignore[attr-defined]


def parsed(line: str) -> tuple[str, dict[str, Any]]:
    """A line as the command line understands it: the command, and what it is given.

    Raises:
        click's complaint: there is no such command or option, or something is missing.
    """
    words = shlex.split(line)
    words = words[1:] if words[0] == "earmark" else ["train", *words, "--data", "DATA"]
    command = _commands()[words[0]]
    with command.make_context(words[0], words[1:]) as context:
        return words[0], dict(context.params)


def ground_in(root: Path) -> Ground:
    """Tables of a few clips without audio, for systems that ask how many there are."""
    classes = [f"class {n}" for n in range(4)]
    (root / "vocabulary.csv").write_text("".join(f"{n},{name}\n" for n, name in enumerate(classes)))
    for part, first in (("train_curated", 0), ("train_noisy", 40), ("test", 80)):
        named = [f"{first + n}.wav,{classes[n % 4]}\n" for n in range(40)]
        (root / f"{part}.csv").write_text("fname,labels\n" + "".join(named))
    return Ground(root, source=FSDKaggle2019(check_files=False), device="cpu")


def resolve(line: str, ground: Ground) -> object:
    """Read everything that a line names; whatever it says must be there."""
    name, given = parsed(line)
    changes = given.get("changes") or []
    if name in READ:
        return READ[name](given, changes)
    if name == "reproduce":
        system, of_stages = read_system(given["name"], changes)
        plan = Plan(ground, fold=given["fold"], changes=of_stages)
        system.outline(plan)
        plan.must_know_its_stages()
        return plan
    if changes:
        assert name in ("tag", "predict"), f"nobody looks at the changes of {line}"
        assert all(change.startswith("inference.") for change in changes), line
        return _recipe("s0", tuple(changes))
    return given


@cache
def _recipe(name: str, changes: tuple[str, ...]) -> Recipe:
    return read_recipe(name, changes)


READ: dict[str, Callable[[dict[str, Any], list[str]], object]] = {
    "train": lambda given, changes: _recipe(given["recipe"], tuple(changes)),
    "find-lr": lambda given, changes: _recipe(given["recipe"], tuple(changes)),
    "pack": lambda given, changes: _recipe(given["recipe"], tuple(changes)),
    "clean": lambda given, changes: clean.read_settings(given["rule"], changes),
    "blend": lambda given, changes: blend.read_settings(given["how"], changes),
    "show": lambda given, changes: show_kind(given["what"], given["other"], changes),
}


def bare(line: str) -> str:
    """A line without its changes.

    >>> bare("s0 -s a=1 -s 'b={c: 2}'"), bare("earmark clean DATA --rule scoring -s k=3")
    ('s0', 'earmark clean DATA --rule scoring')
    """
    words = shlex.split(line)
    kept = [word for place, word in enumerate(words) if word != "-s" and (not place or words[place - 1] != "-s")]
    return shlex.join(kept)


TEXT = PAGE.read_text(encoding="utf-8")
ROWS = {row.item: row for row in rows(TEXT)}
