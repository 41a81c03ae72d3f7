"""A training as a stage: one run, or one a fold with the held-out parts pooled and the mean of all on the test part."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from earmark.core.manifest import Manifest
from earmark.core.settings import read
from earmark.core.yaml_text import override
from earmark.data.tables import read_manifest
from earmark.runs.folder import RunFolder
from earmark.stages.mean_of_runs import put_together
from earmark.stages.prepare import Prepared, note_quarantine
from earmark.stages.recipe import Recipe
from earmark.stages.report import write_report
from earmark.stages.score import score_run
from earmark.stages.sequence.stage import Stage, Table, Trained
from earmark.stages.train import train
from earmark.training.devices import precision_named

if TYPE_CHECKING:
    from earmark.stages.sequence.cleaning import Cleaning
    from earmark.stages.sequence.ground import Ground


@dataclass(frozen=True, eq=False)
class Training(Trained):
    """Trains a recipe, perhaps with the weights, the labels or the guesses that earlier stages left."""

    start: Trained | None = None
    """Whose weights it begins with: those of the same fold, where there is one run a fold."""
    labels: Cleaning | None = None
    """Whose manifest it learns from; none learns from the data as they come."""
    tables: Mapping[str, Table] = field(default_factory=dict)
    """Guesses by the paths of the settings that name their files."""

    kind = "train"

    @property
    def reads(self) -> tuple[Stage, ...]:
        found = [self.start, self.labels, *(table.stage for table in self.tables.values())]
        return tuple(stage for stage in found if stage is not None)

    def says(self) -> str:
        words = [f"begins with {self.start.name}"] if self.start else []
        words += [f"labels of {self.labels.name}"] if self.labels else []
        words += [f"guesses of {table.stage.name}" for table in self.tables.values()]
        return self.kind + (f" ({', '.join(words)})" if words else "")

    def asked(self, ground: Ground) -> object:
        device = ground.torch_device
        precision = precision_named(self.recipe.training.precision, device)
        own = {path: table.own for path, table in self.tables.items()}
        return [self.recipe, precision, self.fold, ground.name(self.fold, self.recipe.pack), own]

    def work(self, ground: Ground, places: Mapping[Stage, Path]) -> None:
        folder, recipe = places[self], self._resolved(places)
        done = ground.prepared(recipe.pack)
        runs = self.runs(folder, ground.numbers(self.fold))
        fabric = ground.fabric(recipe.training)
        for turn, (number, run) in enumerate(runs.items(), start=1):
            if len(runs) > 1:
                ground.show.say(f"{self.name}, fold {number}, {turn} of {len(runs)}")
            labels = self._manifest(ground, places, number)
            train(recipe, labels, done.store, run, number, ground.show, fabric)
        if ground.is_first:
            put_together(folder, list(runs.values()))
            self._score(ground, done, folder, list(runs.values()))

    def _resolved(self, places: Mapping[Stage, Path]) -> Recipe:
        """The recipe with the places of what it reads."""
        changes = [f"model.start.weights={json.dumps(str(places[self.start]))}"] if self.start else []
        changes += [f"{path}={json.dumps(str(table.file(places)))}" for path, table in self.tables.items()]
        data = override(self.recipe.model_dump(mode="json"), changes)
        return read(Recipe, data, what=f"the recipe of stage '{self.name}'")

    def _manifest(self, ground: Ground, places: Mapping[Stage, Path], number: int | None) -> Manifest:
        """What one run learns from: where a cleaning has left something for its fold alone, that."""
        if self.labels is None:
            return ground.clips(self.fold, self.recipe.pack)
        own = places[self.labels] / f"fold-{number}"
        return read_manifest(own if own.is_dir() else places[self.labels])

    def _score(self, ground: Ground, done: Prepared, folder: Path, runs: list[RunFolder]) -> None:
        manifest = ground.clips(self.fold, self.recipe.pack)
        for run in runs:
            run.note({"data": str(ground.data), "store": str(done.store.folder.resolve())})
            note_quarantine(done.report, run)
            rows, _ = score_run(run, manifest)
            if ground.reports:
                write_report(run, manifest, done.store, rows)
        if runs[0].path != folder:
            score_run(RunFolder(folder), manifest)
