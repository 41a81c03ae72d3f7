"""The lines that there are: each has a plan, every system has a line, and published lines mean stages that exist."""

from __future__ import annotations

import pytest

from bench.league.line import Line, families
from bench.league.lines import LINES
from bench.league.outline import outline, scaled, way_of
from bench.league.place import Place
from bench.league.published import TABLES
from earmark.cli.reproducing import read_system
from earmark.stages.budget import Budget
from earmark.stages.recipe import Recipe
from earmark.stages.sequence.ground import Ground
from earmark.stages.sequence.plan import Plan
from earmark.systems.system import System

SHARE = 0.03
THERE = [name for name, line in LINES.items() if way_of(line)]


def stages_of(line: Line, place: Place) -> list[str]:
    """What a line would leave, at a share of its epochs."""
    if way_of(line) != "system":
        assert isinstance(scaled(line, place, SHARE), Recipe)
        return [line.name]
    scale = line.scale
    system, changes = read_system(line.system, [*line.changes, *scale.changes])
    budget = Budget(epochs=SHARE, widths=scale.widths, seconds=scale.seconds)
    plan = Plan(Ground(place.data, device="cpu"), fold=line.fold or "each", seed=1, budget=budget, changes=changes)
    system.outline(plan)
    plan.must_know_its_stages()
    return [stage.name for stage in plan.stages]


@pytest.mark.parametrize("name", THERE)
def test_it_has_a_plan_within_its_budget_and_published_lines_mean_its_stages(name: str, place: Place) -> None:
    there = stages_of(LINES[name], place)
    for table in TABLES:
        for row in table.rows:
            for line, stage in (row.ours, row.against or row.ours):
                assert line in LINES
                assert line != name or stage in there, f"{table.title}: {row.what}"


def test_every_system_has_a_line_and_the_own_recipes_too() -> None:
    assert set(System.members()) <= {line.system for line in LINES.values()}
    assert {"small", "best"} <= {line.recipe for line in LINES.values() if line.own}
    assert all(name == line.name for name, line in LINES.items())


def test_variants_are_as_large_as_the_line_that_they_vary() -> None:
    for line in LINES.values():
        if line.like:
            assert line.scale == LINES[line.like].scale and not LINES[line.like].like
    assert sum(map(len, families(tuple(LINES.values())))) == len(LINES)


def test_models_that_only_go_before_others_have_no_budget_of_their_own(place: Place) -> None:
    counted = {name: outline(LINES[name], place).n_models for name in ("akiyama_sato", "three_stages", "small", "upb")}
    assert counted == {"akiyama_sato": 6, "three_stages": 1, "small": 1, "upb": 3}


def test_published_gains_are_those_of_the_figures() -> None:
    models = TABLES[0]
    assert [models.gain(row) for row in models.rows[:5]] == [None, 0.105, 0.0, 0.02, 0.021]
    assert [models.sign(row) for row in models.rows[:5]] == [None, 1, 0, 1, 1]
    for table in TABLES:
        assert all(row.against is None or table.sign(row) is not None for row in table.rows), table.title
