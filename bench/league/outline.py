"""What a line would train at its full length, read from its plan before anything is trained."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, NamedTuple

from bench.league.line import Line
from bench.league.place import Place
from earmark.cli.reproducing import read_system
from earmark.data.pack_settings import PackSettings
from earmark.stages.budget import Budget, within
from earmark.stages.recipe import Recipe, read_recipe, shipped_recipes
from earmark.stages.sequence.blending import Blending
from earmark.stages.sequence.ground import Ground
from earmark.stages.sequence.plan import Plan
from earmark.stages.sequence.predicting import Predicting
from earmark.stages.sequence.stage import Stage, Trained
from earmark.stages.sequence.training import Training
from earmark.systems.system import System

Way = Literal["system", "recipe", "student"]


class Outline(NamedTuple):
    """A line at its full length."""

    epochs: dict[str, int]
    """Of each training."""
    packs: frozenset[PackSettings]
    """The ways in which its recipes pack."""
    n_models: int
    """How many trainings speak in its last scores; those that only go before them do not count."""


def way_of(line: Line) -> Way | None:
    """How a line is run; none where earmark has neither such a system nor such a recipe."""
    if line.system in System.members() or ":" in line.system:
        return "system"
    if line.recipe and line.recipe in shipped_recipes():
        return "student" if line.teacher else "recipe"
    return None


def outline(line: Line, place: Place, teacher: Line | None = None) -> Outline:
    """Read the plan of a line whose system or recipe exists.

    Args:
        teacher: the line whose models a student learns from; they hear the clips as they are packed for them.

    Raises:
        SettingsError, DataError: its settings or the data make none.
    """
    if way_of(line) != "system":
        recipe = read_recipe(line.recipe, () if line.teacher else line.changes)
        name = "student" if teacher else line.name
        theirs = outline(teacher, place).packs if teacher else frozenset()
        return Outline({name: recipe.training.epochs}, theirs | {recipe.pack}, 1)
    scale = place.scale(line)
    system, of_stages = read_system(line.system, [*line.changes, *scale.changes])
    ground = Ground(place.data, source=system.source, folds=system.folds, seed=system.seed, device="cpu")
    budget = Budget(widths=scale.widths, seconds=scale.seconds)
    plan = Plan(ground, fold=line.fold or place.fold, seed=system.seed, budget=budget, changes=of_stages)
    system.outline(plan)
    trained = [stage for stage in plan.stages if isinstance(stage, Trained)]
    return Outline(
        {stage.name: stage.recipe.training.epochs for stage in trained if isinstance(stage, Training)},
        frozenset(stage.recipe.pack for stage in trained),
        len(_speakers(plan.stages[-1])),
    )


def _speakers(stage: Stage) -> set[Stage]:
    """The trainings whose models a stage speaks for."""
    if isinstance(stage, Blending):
        return {found for each in stage.speakers.values() for one in each for found in _speakers(one)}
    return {stage.by} if isinstance(stage, Predicting) else {stage}


def scaled(line: Line, place: Place, share: float | None) -> Recipe:
    """The recipe of a line that trains for this share of its epochs, in the size that lines have here.

    Args:
        share: above 1 it trains for longer, and only then do warm-ups and the like stay as long as they were; none
            leaves the recipe as it is.
    """
    recipe = read_recipe(line.recipe, line.changes)
    if share is None:
        return recipe
    scale = place.scale(line)
    made = within(Budget(epochs=min(share, 1.0), widths=scale.widths, seconds=scale.seconds), recipe)
    if share <= 1:
        return made
    longer = made.training.model_copy(update={"epochs": round(recipe.training.epochs * share)})
    return made.model_copy(update={"training": longer})


def first_fold(place: Place) -> str:
    """The fold on which paces are measured."""
    if place.fold != "each":
        return place.fold
    return str(Ground(Path(place.data), device="cpu").numbers("each")[0])
