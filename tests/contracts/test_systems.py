"""Every published system: its outline can be written for any choice of folds, and within any budget."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import polars as pl
import pytest

from earmark.core.manifest import Manifest
from earmark.core.settings import read
from earmark.models.network import n_parameters
from earmark.stages.budget import Budget
from earmark.stages.sequence.blending import Blending
from earmark.stages.sequence.ground import Ground
from earmark.stages.sequence.plan import Plan, outlined
from earmark.stages.sequence.training import Training
from earmark.systems.system import System

KINDS = sorted(System.members())
CLASSES = ("Bark", "Meow", "Rain")


def plan_of(system: System, fold: str, budget: Budget | None = None, n_each: int = 20) -> Plan:
    """The outline of a system over clips of which there are only tables, as many curated as noisy ones."""
    names = [f"{kind}{number:02}" for kind in "cn" for number in range(n_each)]
    clips = {
        "id": names,
        "file": [f"{name}.wav" for name in names],
        "origin": ["curated" if name[0] == "c" else "noisy" for name in names],
        "fold": [number % 5 for number in range(2 * n_each)],
    }
    labels = {"clip": names, "label": [CLASSES[number % 3] for number in range(2 * n_each)]}
    ground = Ground(Path("nowhere"), folds=system.folds, seed=system.seed, device="cpu")
    ground.__dict__["manifest"] = Manifest.of(pl.DataFrame(clips), pl.DataFrame(labels), classes=CLASSES)
    plan = Plan(ground, fold=fold, seed=system.seed, budget=budget)
    system.outline(plan)
    return plan


@pytest.mark.parametrize("fold", ["each", "none", "1"])
@pytest.mark.parametrize("kind", KINDS)
def test_stages_read_only_what_came_before(kind: str, fold: str) -> None:
    plan = plan_of(System.named(kind)(), fold)
    before: list[object] = []
    for stage in plan.stages:
        assert set(stage.reads) <= set(before), stage.name
        before.append(stage)
    assert isinstance(plan.stages[-1], Training | Blending), "in the end there are scores"
    names = {row["stage"] for row in outlined(plan.stages)}
    assert len(names) == len(plan.stages)
    assert names.isdisjoint(System.named(kind).model_fields), "a change could mean either"


@pytest.mark.parametrize("kind", KINDS)
def test_the_seed_reaches_every_training_and_a_budget_every_recipe(kind: str) -> None:
    system = System.named(kind)(seed=5)
    whole = [stage.recipe for stage in plan_of(system, "1").stages if isinstance(stage, Training)]
    budget = Budget(epochs=0.05, widths=0.25, seconds=0.5)
    small = [stage.recipe for stage in plan_of(system, "1", budget).stages if isinstance(stage, Training)]
    assert {recipe.seed for recipe in whole} == {5}
    for ours, theirs in zip(small, whole, strict=True):
        assert ours.training.epochs < theirs.training.epochs
        assert n_parameters(ours.model.build(ours.spec, 3)) < n_parameters(theirs.model.build(theirs.spec, 3))


@pytest.mark.parametrize("kind", KINDS)
def test_it_names_its_source_and_survives_being_written_down(kind: str) -> None:
    system = System.named(kind)()
    assert re.search(r"\(.*20\d\d\)", inspect.getdoc(System.named(kind)) or ""), "author and year"
    assert read(System.named(kind), system.model_dump(mode="json")) == system
