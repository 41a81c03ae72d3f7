"""The page of the sources' items: every item has its row, and every line in it can be read as it stands.

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

import pytest
import typer

from earmark.cli.main import app
from earmark.cli.reproducing import read_system
from earmark.cli.showing import show_kind
from earmark.core.errors import EarmarkError
from earmark.data.sources.fsdkaggle2019 import FSDKaggle2019
from earmark.stages import blend, clean
from earmark.stages.recipe import Recipe, read_recipe
from earmark.stages.sequence.ground import Ground
from earmark.stages.sequence.plan import Plan

PAGE = Path(__file__).resolve().parent.parent / "docs" / "coverage.md"
ITEMS = {"S0": 14, "S1": 26, "S2": 20, "S3": 14, "S4": 10}
"""How many items each source has; they are numbered from 1."""


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


@pytest.fixture(scope="session")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Ground:
    """Tables of a few clips without audio, for systems that ask how many there are."""
    root = tmp_path_factory.mktemp("coverage")
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

TEXT = PAGE.read_text(encoding="utf-8")
ROWS = {row.item: row for row in rows(TEXT)}
LINES = [
    pytest.param(line, id=f"{row.item} {number}")
    for row in ROWS.values()
    for number, line in enumerate((*row.lines, *row.legacy))
]
LINES += [pytest.param(line, id=f"beside {number}") for number, line in enumerate(beside(TEXT))]


def test_every_item_of_every_source_has_one_row_in_order() -> None:
    wanted = [f"{source}-{number:02d}" for source, n in ITEMS.items() for number in range(1, n + 1)]
    assert [row.item for row in rows(TEXT)] == wanted
    assert all(len(row.what) > 20 for row in ROWS.values())


@pytest.mark.parametrize("line", LINES)
def test_every_line_can_be_read(line: str, ground: Ground) -> None:
    resolve(line, ground)


@pytest.mark.parametrize("item", [row.item for row in ROWS.values() if row.legacy])
def test_a_mistake_is_a_setting_that_is_not_on_by_itself(item: str, ground: Ground) -> None:
    row = ROWS[item]
    for mistaken in row.legacy:
        assert mistaken not in row.lines
        made = resolve(mistaken, ground)
        if not isinstance(made, dict):
            others = [resolve(line, ground) for line in (*row.lines, bare(mistaken))]
            found = [settings_in(other) for other in others]
            assert settings_in(made) not in found, f"{item}: the line that does as the source did changes nothing"


def bare(line: str) -> str:
    """A line without its changes.

    >>> bare("s0 -s a=1 -s 'b={c: 2}'"), bare("earmark clean DATA --rule scoring -s k=3")
    ('s0', 'earmark clean DATA --rule scoring')
    """
    words = shlex.split(line)
    kept = [word for place, word in enumerate(words) if word != "-s" and (not place or words[place - 1] != "-s")]
    return shlex.join(kept)


def settings_in(made: object) -> object:
    """What decides the result of a line: of a plan, the settings and recipes of its stages."""
    if not isinstance(made, Plan):
        return made
    return [(each.name, getattr(each, "recipe", None), getattr(each, "settings", None)) for each in made.stages]


@pytest.mark.parametrize(
    "line",
    [
        "s00",
        "s0 -s objective.labels.term.loss=hing",
        "s0 -s training.epoch=3",
        "earmark reproduce soft_pseudo --data DATA",
        "earmark reproduce three_stages --data DATA -s warm.training.epochs=3",
        "earmark clean DATA --rule scorin",
        "earmark blend a b --how arithmetic -s pruning=null",
        "earmark predict RUN --part held_out -s inference.hearing=paded",
        "earmark show loss.arkface",
    ],
)
def test_a_line_that_no_longer_resolves_is_found(line: str, ground: Ground) -> None:
    with pytest.raises(EarmarkError):
        resolve(line, ground)


@pytest.mark.parametrize(
    "line", ["earmark trian s0 --data D", "earmark tag RUN", "earmark choose RUN --as x", "s0 --bogus"]
)
def test_a_command_that_is_not_one_is_found(line: str) -> None:
    with pytest.raises(Exception, match=r"(?i)trian|missing|no such option"):
        parsed(line)


def test_a_lost_row_and_a_broken_cell_are_found() -> None:
    text = "| S0-01 | words | `a`<br>`b c` | default |\n| S0-02 | words | `a` | `d` |\n| x | no row |"
    found = list(rows(text))
    assert [(row.item, row.lines, row.legacy) for row in found] == [
        ("S0-01", ("a", "b c"), ()),
        ("S0-02", ("a",), ("d",)),
    ]
    with pytest.raises(AssertionError, match="backticks"):
        list(rows("| S0-01 | words | a | default |"))
