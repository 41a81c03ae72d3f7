"""The held-out and test parts of finished runs predicted in another way, so that ways of hearing can be compared.

How a tagger is used belongs to its recipe, and a run that was finished is not trained again for the sake of it. What is
made here lies beside what the run left, under a name of its own (``held_out-padded.parquet``), with what was changed in
its provenance. Where there is one run a fold, the held-out parts are pooled and the test part is the mean over the
runs. A table that is there already, made by the same weights in the same way, is not made again, so that an interrupted
stage goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from earmark.core.errors import DataError, RunError, SettingsError
from earmark.core.manifest import Manifest
from earmark.core.predictions import CHOSE, HOLDS_OUT, Predictions, pooled
from earmark.data.clips import Clips
from earmark.data.store import Store
from earmark.data.tables import read_predictions, write_predictions
from earmark.inference.predict import predict
from earmark.inference.tagger import load_tagger
from earmark.runs.folder import RunFolder
from earmark.runs.table_names import TableName, is_way
from earmark.stages.divide import divide
from earmark.stages.finished_runs import runs_in, speakers
from earmark.stages.made_before import is_table, weights_name
from earmark.stages.mean_of_runs import mean_of
from earmark.stages.recipe import Recipe
from earmark.stages.show import Show
from earmark.stages.use import used

Part = Literal["held_out", "test"]
PARTS: tuple[Part, ...] = ("held_out", "test")


@dataclass(frozen=True)
class Asked:
    """What is to be predicted again, and how.

    Args:
        part: which clips of a run.
        name: what the tables are called, behind the part.
        changes: to how the taggers are used; see `earmark.stages.use.used`.
        snapshots: let the snapshots of each run speak, a table each, instead of its last weights.
    """

    part: Part
    name: str
    changes: tuple[str, ...] = ()
    snapshots: bool = False

    def __post_init__(self) -> None:
        if not (self.name or self.snapshots):
            raise SettingsError("what is predicted in another way needs a name of its own; give one with --as")
        if self.changes and not self.name:
            raise SettingsError("snapshots that are heard in another way need a name of their own; give one with --as")
        if not is_way(self.name):
            raise SettingsError(
                f"a way of hearing is called by letters, digits, dots and underlines, and not 'epoch', got "
                f"'{self.name}'; give another name with --as"
            )


def predict_again(
    path: Path,
    asked: Asked,
    recipe: Recipe,
    manifest: Manifest,
    store: Store,
    show: Show,
    device: str | torch.device = "cpu",
) -> list[Path]:
    """Predict a part of every run of a folder.

    Args:
        path: a run's folder, or one with a run a fold.
        recipe: that of the runs.
        manifest: what they worked on, with its folds where one was held out.

    Returns:
        The tables: of the run, or over all runs where there is one a fold.

    Raises:
        RunError: a run is not finished, or keeps no snapshots.
        DataError: a run has no such part, or its held-out clips are others now.
        SettingsError: the changes make no sense.
    """
    runs = runs_in(path)
    made: dict[TableName, list[Path]] = {}
    for number, run in enumerate(runs, start=1):
        if len(runs) > 1:
            show.say(f"run '{run.path}', {number} of {len(runs)}")
        clips = _clips_of(run, asked.part, recipe, manifest, store)
        for name, weights in speakers(run, asked.part, asked.name, asked.snapshots).items():
            _make(run, weights, name, asked, clips, show, device)
            made.setdefault(name, []).append(run.predictions(name))
    if RunFolder(path).facts():
        return [table for tables in made.values() for table in tables]
    together: list[Path] = []
    for name, tables in made.items():
        if len(tables) < len(runs):
            raise RunError(
                f"only {len(tables)} of {len(runs)} runs in '{path}' have a snapshot for '{name}'; train them alike",
                path,
            )
        together.append(RunFolder(path).predictions(name))
        write_predictions(_over_runs(asked, [read_predictions(table) for table in tables]), together[-1])
    return together


def _over_runs(asked: Asked, parts: Sequence[Predictions]) -> Predictions:
    how = {"use": list(asked.changes)}
    if asked.part == "held_out":
        whole = pooled(parts)
        return replace(whole, provenance={**whole.provenance, **how})
    whole = mean_of(parts, parts[0].ids)
    return replace(whole, folds=None, provenance={**whole.provenance, **how})


def _make(
    run: RunFolder,
    weights: Path,
    name: TableName,
    asked: Asked,
    clips: Clips,
    show: Show,
    device: str | torch.device,
) -> None:
    fold = run.facts().get("fold") if asked.part == "held_out" else None
    facts: dict[str, Any] = {
        "run": run.path.name,
        "fold": run.facts().get("fold"),
        "weights": weights_name(weights),
        "epoch": name.epoch,
        "out_of_fold": True,
        "without": list(clips.missing),
        "use": list(asked.changes),
        **{name: said for name in (HOLDS_OUT, CHOSE) if (said := run.facts().get(name)) and fold is not None},
    }
    table = run.predictions(name)
    if is_table(table, clips.ids, facts):
        return
    tagger = used(load_tagger(weights, device), asked.changes)
    tagger.must_be_taught()
    predictions = predict(tagger, clips, track=show.track, what=f"predict {name}")
    folds = None if fold is None else np.full(len(predictions), fold, np.int64)
    write_predictions(replace(predictions, folds=folds, provenance=facts), table)


def _clips_of(run: RunFolder, part: Part, recipe: Recipe, manifest: Manifest, store: Store) -> Clips:
    """The clips of a part of a run, which must be those that it predicted itself."""
    origins = sorted({origin for stream in recipe.streams.values() for origin in stream.origins})
    parts = divide(manifest, store, run.facts().get("fold"), origins)
    clips = {"held_out": parts.held_out, "test": parts.test}[part]
    if clips is None:
        raise DataError(f"run '{run.path}' has no {part.replace('_', '-')} clips, so there is nothing to predict again")
    own = run.predictions(part)
    if own.is_file() and read_predictions(own).ids != clips.ids:
        raise DataError(
            f"the {part.replace('_', '-')} clips of run '{run.path}' are others now than when it was trained; name the "
            "data that it was trained on",
            own,
        )
    return clips
