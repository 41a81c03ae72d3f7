"""A training that was finished elsewhere, as a stage of a sequence: nothing is done, others read from it.

What it has learnt from is read from its own notes, so that nobody is judged by clips that it knows: folds of the same
number may hold other clips there and here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from earmark.core.errors import DataError, RunError
from earmark.stages.finished_runs import runs_in
from earmark.stages.fold_choice import EACH, NONE
from earmark.stages.recipe import read_recipe
from earmark.stages.sequence.stage import Stage, Trained

if TYPE_CHECKING:
    from earmark.stages.sequence.ground import Ground


@dataclass(frozen=True, eq=False)
class Finished(Trained):
    """The folder of a run, or of a training of each fold."""

    folder: Path

    kind = "finished training"

    @classmethod
    def at(cls, name: str, folder: Path) -> Finished:
        """The training in a folder.

        Raises:
            RunError: there is none, or it is not finished.
        """
        runs = runs_in(folder)
        alone = runs[0].path == folder
        fold = runs[0].facts().get("fold")
        recipe = read_recipe(str(runs[0].path / "recipe.yaml"))
        numbers = sorted(int(run.facts()["fold"]) for run in runs) if not alone else []
        several = EACH if numbers == list(range(len(numbers))) else ",".join(map(str, numbers))
        return cls(name, (NONE if fold is None else str(fold)) if alone else several, recipe, folder.resolve())

    @property
    def reads(self) -> tuple[Stage, ...]:
        return ()

    def place(self, out: Path, finger: str) -> Path:
        return self.folder

    def asked(self, ground: Ground) -> object:
        found = []
        for run in runs_in(self.folder):
            with run.tagger.open("rb") as file:
                found.append(hashlib.file_digest(file, "sha256").hexdigest())
        return [found, self.fold, ground.name(self.fold, self.recipe.pack)]

    def work(self, ground: Ground, places: Mapping[Stage, Path]) -> None:
        clips = ground.clips(self.fold)
        for number, run in self.runs(self.folder, ground.numbers(self.fold)).items():
            if not run.facts().get("finished"):
                raise RunError(
                    f"'{run.path}' holds no finished run of fold {number}; finish its training first", run.path
                )
            learnt = (run.read_json("learnt.json") or {}).get("clips")
            if learnt is None:
                raise RunError(f"run '{run.path}' does not say what it has learnt from; train it again", run.path)
            judges = set() if number is None else set(clips.where(part="train", origin="curated", fold=number).ids)
            known = judges & set(learnt)
            if known:
                raise DataError(
                    f"run '{run.path}' has learnt from clip '{min(known)}', which fold {number} holds out here; name "
                    "the data and the folds that it was trained with",
                    run.path,
                )
