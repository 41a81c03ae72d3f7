"""A plan: the stages of a sequence in their order, written down before any of them is begun.

    plan = Plan(Ground(Path("sounds")), fold="each")
    first = plan.train("curated", "small")
    guesses = plan.guess("guess", by=first)
    chosen = plan.clean("choose", Scoring(k=500), guesses)
    plan.train("with-noisy", "small", labels=chosen, changes=["streams.curated.origins={curated: 1, noisy: 1}"])
    carry_out(plan, Path("runs/loop"))

What does not fit together is refused here, as far as it can be known, and not after hours of training.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from earmark.cleaning.rules.rule import Rule
from earmark.core.errors import SettingsError
from earmark.core.manifest import ORIGINS
from earmark.core.settings import nearest, read
from earmark.core.yaml_text import override
from earmark.ensemble.blends.arithmetic import Arithmetic
from earmark.ensemble.blends.blend import Blend
from earmark.stages.blend import BlendSettings
from earmark.stages.budget import Budget, within
from earmark.stages.clean import CleanSettings
from earmark.stages.fold_choice import NONE, fold_choice
from earmark.stages.recipe import Recipe, read_recipe
from earmark.stages.sequence.blending import Blending
from earmark.stages.sequence.cleaning import Cleaning, Unguessed
from earmark.stages.sequence.distilling import FILE, DistilSettings, ask, taught
from earmark.stages.sequence.finished import Finished
from earmark.stages.sequence.ground import Ground
from earmark.stages.sequence.guessing import Guessing, GuessSettings
from earmark.stages.sequence.matching import must_blend, must_fit, must_not_know, named, one_fold
from earmark.stages.sequence.predicting import Predicting, PredictSettings
from earmark.stages.sequence.stage import Stage, Table, Trained
from earmark.stages.sequence.training import Training

_Settings = TypeVar("_Settings", CleanSettings, GuessSettings, PredictSettings, BlendSettings)
_Stage = TypeVar("_Stage", bound=Stage)


class Plan:
    """Stages in the order in which they were asked for."""

    def __init__(
        self,
        ground: Ground,
        *,
        fold: str = NONE,
        seed: int | None = None,
        budget: Budget | None = None,
        devices: int | None = None,
        changes: Iterable[str] = (),
    ) -> None:
        """Begin a plan.

        Args:
            ground: what its stages work on.
            fold: what they hold out unless they say otherwise: ``each``, ``none`` or the number of a fold.
            seed: takes the place of those of the recipes; none leaves these.
            budget: what every recipe has to keep within.
            devices: on how many devices each training runs, in place of what recipes say; none leaves that.
            changes: ``stage.path=value``: settings of single stages, changed last.

        Raises:
            SettingsError: ``fold`` is none of these.
        """
        self.ground, self.seed, self.budget, self.devices = ground, seed, budget or Budget(), devices
        self.fold = fold_choice(fold)
        self.stages: list[Stage] = []
        self._changes = _by_stage(changes)

    def n_clips(self, origin: str) -> int:
        """How many training clips of an origin there are."""
        return len(self.ground.manifest.where(part="train", origin=origin))

    @property
    def origins(self) -> tuple[str, ...]:
        """The origins of the training clips."""
        return tuple(origin for origin in ORIGINS if self.n_clips(origin))

    def train(
        self,
        name: str,
        recipe: Recipe | str,
        *,
        fold: str | None = None,
        start: Trained | None = None,
        labels: Cleaning | None = None,
        tables: Mapping[str, Table] | None = None,
        changes: Sequence[str] = (),
    ) -> Training:
        """Train a recipe and score it.

        Args:
            name: what the stage and its folder are called.
            recipe: a recipe, a YAML file, or the name of one that comes along.
            fold: what is held out; none takes the choice of the plan.
            start: begin with the weights of this training, each fold with those of the same fold.
            labels: learn from the manifest that this cleaning leaves.
            tables: which guesses lie in the files that settings name, by the paths of these settings.
            changes: ``path=value``, made to the recipe before it is brought within the budget.

        Raises:
            SettingsError: the recipe is none, or does not fit the stages that it reads from.
        """
        chosen = self.fold if fold is None else fold_choice(fold)
        what = f"the recipe of stage '{name}'"
        data = (read_recipe(recipe) if isinstance(recipe, str) else recipe).model_dump(mode="json")
        if start is not None:
            data["model"]["start"] = {**(data["model"]["start"] or {}), "weights": start.name}
        made = within(self.budget, read(Recipe, override(data, changes), what=what), what)
        data = made.model_dump(mode="json")
        if self.seed is not None:
            data["seed"] = self.seed
        if self.devices is not None:
            data["training"]["devices"] = self.devices
        made = read(Recipe, override(data, self._changes.get(name, ())), what=f"{what} with its changes")
        folds = made.folds if chosen == NONE else self.ground.folds
        made = made.model_copy(update={"folds": folds, "source": self.ground.source})
        stage = Training(name, chosen, made, start, labels, dict(tables or {}))
        must_fit(stage)
        return self._added(stage)

    def guess(
        self,
        name: str,
        by: Trained,
        settings: GuessSettings | None = None,
        *,
        otherwise: Guessing | None = None,
    ) -> Guessing:
        """Let the runs of a training guess about clips that they have not learnt from.

        Args:
            by: the training; where it has a run for each fold, the mean of those that have a say is taken.
            otherwise: earlier guesses, for the clips that every run has learnt from.

        Raises:
            SettingsError: the snapshots of a training are to speak that keeps none.
        """
        made = self._changed(name, settings or GuessSettings())
        made.must_fit(name, by.name, by.recipe)
        return self._added(Guessing(name, by.fold, by, made, otherwise))

    def predict(self, name: str, by: Trained, settings: PredictSettings | None = None) -> Predicting:
        """Let the models of a training say once more what they held out, and the test part, in another way.

        Args:
            by: the training.
            settings: whether snapshots speak, and how clips are heard.

        Raises:
            SettingsError: snapshots are to speak that it does not keep.
        """
        made = self._changed(name, settings or PredictSettings())
        made.must_fit(name, by.name, by.recipe)
        return self._added(Predicting(name, by.fold, by, made))

    def blend(
        self,
        name: str,
        members: Mapping[str, Stage | Sequence[Stage]] | Sequence[Stage],
        how: Blend | BlendSettings | None = None,
    ) -> Blending:
        """Make one table of scores of those of several stages: of held-out clips, of the test part, and of guesses.

        What learns sees held-out clips alone, and is scored on folds that it has not seen; where the plan does not hold
        out each fold, it has nothing to learn from, and the plain mean takes its place. A mean that learns nothing but
        prunes its members, or brings classes onto the footing of held-out clips, stays that mean, without either.

        Args:
            members: trainings, predictions and other blends; with them guesses, those of all members or of none. By
                name, or called after their stages, guesses after the training that they are of. Several stages of one
                member (seeds, say) are averaged first.
            how: the blend, or all settings of blending; none takes the plain mean of chances.

        Raises:
            SettingsError: the members hold out different folds, or guess different clips.
        """
        made = how if isinstance(how, BlendSettings) else BlendSettings(blend=how or Arithmetic())
        by_name = named(members)
        fold = one_fold(name, by_name, self.fold)
        stage = Blending(name, fold, by_name, self._changed(name, made))
        must_blend(stage)
        return self._added(stage)

    def distil(
        self,
        name: str,
        teacher: Trained | Predicting | Blending,
        recipe: Recipe | str,
        settings: DistilSettings | None = None,
        *,
        fold: str | None = None,
        changes: Sequence[str] = (),
    ) -> Training:
        """Train a student on what a teacher thinks of all training clips, beside the labels.

        The student that is judged by a fold learns what the teachers think that held out the same one. The stages that
        ask the teachers are added before it.

        Args:
            teacher: a training, predictions, or a blend.
            recipe: the student's.
            settings: what it learns of the teacher.
            fold: what the student holds out; none takes the choice of the teacher.
            changes: ``path=value``, to the student's recipe.

        Raises:
            SettingsError: the student holds out what its teachers have learnt from.
        """
        made = settings or DistilSettings()
        chosen = teacher.fold if fold is None else fold_choice(fold)
        must_not_know(name, chosen, teacher)
        told = ask(self, name, teacher)
        asked = taught(made, read_recipe(recipe) if isinstance(recipe, str) else recipe, self.origins, changes)
        tables = {FILE: told.mean if chosen == NONE else told.own}
        return self.train(name, asked, fold=chosen, tables=tables)

    def finished(self, name: str, folder: Path) -> Finished:
        """A training that was finished elsewhere, as a stage from which others can read.

        Raises:
            RunError: there is none in the folder.
        """
        return self._added(Finished.at(name, folder))

    def clean(
        self,
        name: str,
        settings: CleanSettings | Rule,
        *guesses: Guessing,
        unguessed: Unguessed = "refuse",
    ) -> Cleaning:
        """Judge the noisy labels as they were given.

        Args:
            settings: those of cleaning, or just the rule.
            guesses: what to judge by.
            unguessed: what becomes of noisy clips of which there is no guess: the stage is refused, or they go on as
                unlabelled ones.
        """
        given = CleanSettings(rule=settings) if isinstance(settings, Rule) else settings
        fold = next((each.fold for each in guesses), self.fold)
        return self._added(Cleaning(name, fold, self._changed(name, given), guesses, unguessed))

    def must_know_its_stages(self) -> None:
        """Refuse changes to stages that there are not.

        Raises:
            SettingsError: with the nearest right name.
        """
        names = [stage.name for stage in self.stages]
        for name in self._changes:
            if name not in names:
                raise SettingsError(f"there is no stage '{name}' to change; {nearest(name, names)}")

    def _changed(self, name: str, settings: _Settings) -> _Settings:
        changes = self._changes.get(name)
        if not changes:
            return settings
        data = override(settings.model_dump(mode="json"), changes)
        return read(type(settings), data, what=f"stage '{name}' with its changes")

    def _added(self, stage: _Stage) -> _Stage:
        if not re.fullmatch(r"[\w-]+", stage.name):
            raise SettingsError(
                f"a stage cannot be called '{stage.name}', for changes and folders are named after it; use letters, "
                "digits and hyphens"
            )
        if any(stage.name == each.name for each in self.stages):
            raise SettingsError(f"two stages are called '{stage.name}'; give each a name of its own")
        self.stages.append(stage)
        return stage


def _by_stage(changes: Iterable[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for change in changes:
        stage, _, rest = change.partition(".")
        found.setdefault(stage, []).append(rest)
    return found


def outlined(stages: Sequence[Stage]) -> list[dict[str, Any]]:
    """The stages as plain data: what each does and reads."""
    return [
        {"stage": stage.name, "does": stage.says(), "reads": [each.name for each in stage.reads], "fold": stage.fold}
        for stage in stages
    ]
