"""The page of the sources' items: every item has its row, and every line in it can be read as it stands."""

from __future__ import annotations

import pytest

from earmark.core.errors import EarmarkError
from earmark.stages.sequence.ground import Ground
from earmark.stages.sequence.plan import Plan
from tests.coverage_page import ROWS, TEXT, bare, beside, ground_in, parsed, resolve, rows

ITEMS = {"S0": 14, "S1": 26, "S2": 20, "S3": 14, "S4": 10}
"""How many items each source has; they are numbered from 1."""

LINES = [
    pytest.param(line, id=f"{row.item} {number}")
    for row in ROWS.values()
    for number, line in enumerate((*row.lines, *row.legacy))
]
LINES += [pytest.param(line, id=f"beside {number}") for number, line in enumerate(beside(TEXT))]


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Ground:
    return ground_in(tmp_path_factory.mktemp("coverage"))


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
