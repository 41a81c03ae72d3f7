"""Guesses as a stage: what the runs of a training think of clips that they have not learnt from."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from earmark.core.manifest import Manifest
from earmark.core.predictions import Predictions
from earmark.data.tables import read_predictions, write_predictions
from earmark.runs.folder import RunFolder
from earmark.runs.table_names import TableName
from earmark.stages.fold_choice import is_several
from earmark.stages.predict import guess
from earmark.stages.sequence.speaking import Speaking
from earmark.stages.sequence.stage import Stage, Telling, Trained

if TYPE_CHECKING:
    from earmark.stages.sequence.ground import Ground


class GuessSettings(Speaking):
    """Of which clips guesses are made, and by whom."""

    of: Literal["noisy", "unlabelled", "curated", "train", "test"] = "noisy"
    """The clips: those of an origin in the training part, all of that part, or the test part."""
    embed: bool = False
    """Whether vectors of these clips and of the curated ones are kept as well."""
    learnt: bool = False
    """Whether runs also speak of clips that they have learnt from. Whoever needs guesses out of fold refuses them."""
    legacy_in_training: bool = False
    """Whether networks answer as they train: with dropout, and normalised by eight clips at a time in place of their
    running statistics, so that what is said of a clip depends on those beside it. A program of 2019 (J. Deng) did so by
    mistake; only to reproduce it."""


@dataclass(frozen=True, eq=False)
class Guessing(Telling):
    """Asks the runs of a training; of several that have a say the mean is taken."""

    by: Trained
    settings: GuessSettings
    otherwise: "Guessing | None" = None
    """Earlier guesses, which stand in where every run of ``by`` has learnt from a clip."""

    kind = "guess"

    @property
    def reads(self) -> tuple[Stage, ...]:
        return (self.by,) if self.otherwise is None else (self.by, self.otherwise)

    def says(self) -> str:
        return f"{self.kind} of {self.settings.of} clips by {self.by.name}"

    def table(self, folder: Path, *, own: bool) -> Path:
        if own and is_several(self.by.fold):
            return RunFolder(folder / "fold-{fold}").predictions(self.settings.of)
        earlier = RunFolder(folder).predictions(self.filled)
        return earlier if earlier.is_file() else RunFolder(folder).predictions(self.settings.of)

    @property
    def filled(self) -> str:
        """The name of the table in which earlier guesses stand in."""
        return str(TableName(self.settings.of, "filled"))

    def members(self, folder: Path) -> list[Path]:
        """The tables of single models; empty where there is but the one."""
        of, runs = self.settings.of, [RunFolder(place) for place in sorted(folder.glob("fold-*"))]
        by_epoch = [
            table
            for run in (*runs, RunFolder(folder))
            for name, table in run.tables(of).items()
            if name.epoch is not None and not name.way
        ]
        by_fold = [table for run in runs if (table := run.predictions(of)).is_file()]
        return found if len(found := by_epoch or by_fold) > 1 else []

    def asked(self, ground: "Ground") -> object:
        return [self.settings, ground.name(self.fold, self.by.recipe.pack)]

    def wanted(self, ground: "Ground") -> Manifest:
        """The clips that are guessed."""
        clips, of = ground.clips(self.fold), self.settings.of
        return clips.where(part=of) if of in ("train", "test") else clips.where(part="train", origin=of)

    def work(self, ground: "Ground", places: Mapping[Stage, Path]) -> None:
        settings, folder = self.settings, places[self]
        made = guess(
            places[self.by],
            self.wanted(ground),
            ground.prepared(self.by.recipe.pack).store,
            ground.show,
            part=settings.of,
            into=folder,
            trusted=ground.clips(self.fold).where(part="train", origin="curated") if settings.embed else None,
            learnt=settings.learnt,
            legacy_in_training=settings.legacy_in_training,
            **settings.asked(self.by.recipe),
            device=ground.torch_device,
        )
        if self.otherwise is not None and made.n_unheard:
            earlier = read_predictions(self.otherwise.mean.file(places))
            whole = filled(read_predictions(made.predictions), earlier)
            ground.show.say(f"{len(whole) - made.n_clips} clips keep the guesses of {self.otherwise.name}")
            write_predictions(whole, RunFolder(folder).predictions(self.filled))

    def left(self, folder: Path) -> Iterable[Path]:
        yield from folder.rglob("*.parquet")


def filled(made: Predictions, earlier: Predictions) -> Predictions:
    """Guesses, with earlier ones for the clips that they lack, in alphabetical order of the clips."""
    there = set(made.ids)
    lacking = [name for name in earlier.ids if name not in there]
    rest = earlier.aligned(lacking, made.classes).on(made.link)
    ids = (*made.ids, *lacking)
    order = sorted(range(len(ids)), key=ids.__getitem__)
    return replace(
        made,
        ids=tuple(ids[row] for row in order),
        scores=np.concatenate([made.scores, rest.scores])[order],
        folds=None,
        provenance={
            **made.provenance,
            "out_of_fold": bool(made.provenance.get("out_of_fold")) and bool(earlier.provenance.get("out_of_fold")),
            "earlier": dict(earlier.provenance),
        },
    )
