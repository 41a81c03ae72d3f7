"""Predictions as a stage: what the models of a training say of the clips that judge them, otherwise than they did.

A training leaves what its last weights say of its held-out clips and of the test part. Here snapshots of some cycles
speak, or clips are heard in another way; what comes of it is laid out as a training leaves it.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from earmark.core.manifest import Manifest
from earmark.data.tables import read_predictions, write_predictions
from earmark.runs.folder import RunFolder
from earmark.stages.mean_of_runs import put_together
from earmark.stages.predict import guess
from earmark.stages.score import score_run
from earmark.stages.sequence.speaking import Speaking
from earmark.stages.sequence.stage import Stage, Trained

if TYPE_CHECKING:
    from earmark.stages.sequence.ground import Ground


class PredictSettings(Speaking):
    """How the models of a training speak of the clips that they held out and of the test part."""


@dataclass(frozen=True, eq=False)
class Predicting(Stage):
    """Asks each run of a training about its held-out fold and the test part."""

    by: Trained
    settings: PredictSettings

    kind = "predict"

    @property
    def reads(self) -> tuple[Stage, ...]:
        return (self.by,)

    def says(self) -> str:
        return f"{self.kind} by {self.by.name}"

    def asked(self, ground: "Ground") -> object:
        return [self.settings, ground.name(self.fold, self.by.recipe.pack)]

    def work(self, ground: "Ground", places: Mapping[Stage, Path]) -> None:
        folder, recipe = places[self], self.by.recipe
        store = ground.prepared(recipe.pack).store
        runs = []
        for number, run in self.by.runs(places[self.by], ground.numbers(self.fold)).items():
            runs.append(RunFolder(folder / run.path.relative_to(places[self.by])))
            for part, wanted in _judges(ground.clips(self.fold, recipe.pack), number):
                guess(
                    run.path,
                    wanted,
                    store,
                    ground.show,
                    part=part,
                    into=runs[-1].path,
                    learnt=True,
                    **self.settings.asked(recipe),
                    device=ground.torch_device,
                )
                _settle(runs[-1].predictions(part), number if part == "held_out" else None)
        put_together(folder, runs, self.settings.mean)
        if len(runs) > 1 and (test := RunFolder(folder).predictions("test")).is_file():
            _settle(test, None)
        folder.mkdir(parents=True, exist_ok=True)
        score_run(RunFolder(folder), ground.clips(self.fold, recipe.pack))

    def left(self, folder: Path) -> Iterable[Path]:
        yield from folder.rglob("*.parquet")

    def scores(self, folder: Path) -> list[Any]:
        return list(RunFolder(folder).read_json("scores.json") or [])


def _judges(clips: Manifest, number: int | None) -> Iterator[tuple[str, Manifest]]:
    """The clips that judge the run of a fold, by part; parts without any are left out."""
    if number is not None:
        yield "held_out", clips.where(part="train", origin="curated", fold=number)
    test = clips.where(part="test")
    if len(test):
        yield "test", test


def _settle(place: Path, number: int | None) -> None:
    """Write a table as trainings leave theirs: log-odds, with the fold that was held out beside each clip, if any."""
    made = read_predictions(place)
    folds = None if number is None else np.full(len(made), number, np.int64)
    write_predictions(replace(made.on("logit"), folds=folds), place)
