"""Guesses about clips that a training did not learn from: the ground that verdicts on doubtful labels stand on.

Each run says of every noisy clip that it did not learn from what it thinks of it; where there is one run a fold, the
mean of the runs that have a say is written beside them. What a run has learnt from is read from its own notes, and a
clip counts as learnt when any noisy clip of its group was, for their doubtful labels are alike; trusted labels give no
doubtful one away. A table that is there already, made by the same weights of the same clips, is not made again, so that
an interrupted stage goes on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch

from earmark.core.errors import DataError, RunError
from earmark.core.manifest import Manifest
from earmark.core.predictions import Predictions
from earmark.data.clips import Clips
from earmark.data.store import Store
from earmark.data.tables import read_embeddings, read_predictions, write_embeddings, write_predictions
from earmark.inference.predict import hear, predict
from earmark.inference.tagger import Tagger, load_tagger
from earmark.runs.folder import RunFolder
from earmark.stages.show import Show

NOISY = "noisy"
"""The name of the table of guesses about noisy clips."""


@dataclass(frozen=True)
class Guessed:
    """What was made."""

    predictions: Path
    embeddings: tuple[Path, ...]
    n_clips: int
    n_unheard: int
    """Noisy clips that every run has learnt from, or whose files are bad: nobody guessed about them."""


def runs_in(path: Path) -> list[RunFolder]:
    """The finished run in a folder, or one run a fold.

    Raises:
        RunError: there is none, or one of them is not finished.
    """
    runs = [RunFolder(path)] if RunFolder(path).facts() else []
    runs = runs or [RunFolder(place.parent) for place in sorted(path.glob("fold-*/run.json"))]
    if not runs:
        raise RunError(f"'{path}' holds no run; name the folder of a training", path)
    for run in runs:
        if not run.facts().get("finished"):
            raise RunError(f"run '{run.path}' is not finished; finish it with earmark train first", run.path)
    return runs


def guess_noisy(
    path: Path,
    manifest: Manifest,
    store: Store,
    show: Show,
    *,
    embed: bool = False,
    snapshots: bool = False,
    device: str | torch.device = "cpu",
) -> Guessed:
    """Predict the noisy part with every run of a folder that did not learn from it.

    Args:
        path: a run's folder, or one with a run a fold.
        manifest: what the runs worked on; its vocabulary must be theirs.
        embed: also write vectors of the noisy and the curated clips, a table a run.
        snapshots: let the snapshots of each run speak instead of its last weights.

    Raises:
        RunError: a run is not finished, or does not say what it has learnt from.
        DataError: no noisy clip is unseen by any run, or the vocabularies differ.
    """
    runs = runs_in(path)
    noisy = manifest.where(part="train", origin="noisy")
    if not len(noisy):
        raise DataError(f"'{manifest.root}' holds no noisy training clip, so there is nothing to guess")
    made: list[list[Path]] = []
    vectors: list[Path] = []
    for number, run in enumerate(runs, start=1):
        unseen = _unseen(run, noisy)
        show.say(f"run '{run.path}', {number} of {len(runs)}: {len(unseen)} of {len(noisy)} noisy clips are unseen")
        if not len(unseen):
            continue
        curated = manifest.where(part="train", origin="curated")
        tables, space = _by_run(run, unseen, curated if embed else None, store, show, snapshots, device)
        made.append(tables)
        vectors += [space] if space else []
    if not made:
        raise DataError(
            f"every run in '{path}' has learnt from all noisy clips, so nobody can judge them; train without them, or "
            "with folds (--fold each)"
        )
    whole = mean_of([read_predictions(table) for tables in made for table in tables], noisy.ids)
    target = RunFolder(path).predictions(NOISY)
    if made[0][0] != target:
        write_predictions(whole, target)
    return Guessed(target, tuple(vectors), len(whole), len(noisy) - len(whole))


def members_of(path: Path) -> list[Path]:
    """The tables of guesses by single models in a folder; empty where there is but the one."""
    runs = [RunFolder(place.parent) for place in sorted(path.glob("fold-*/run.json"))] or [RunFolder(path)]
    found = []
    for run in runs:
        by_epoch = sorted((run.path / "predictions").glob(f"{NOISY}-epoch-*.parquet"))
        own = run.predictions(NOISY)
        found += by_epoch or ([own] if own.is_file() else [])
    return found if len(found) > 1 else []


def mean_of(parts: Sequence[Predictions], ids: Sequence[str]) -> Predictions:
    """The mean log-odds of every clip over the models that have a say, in the order of ``ids``.

    Where each clip was heard by one model, that model's fold stands beside it.
    """
    first = parts[0]
    row = {name: i for i, name in enumerate(ids)}
    total, n = np.zeros((len(ids), len(first.classes))), np.zeros(len(ids), np.int64)
    folds = np.full(len(ids), -1, np.int64)
    for part in parts:
        rows = [row[name] for name in part.ids]
        total[rows] += part.aligned(part.ids, first.classes).on("logit").scores
        n[rows] += 1
        fold = part.provenance.get("fold")
        folds[rows] = -1 if fold is None else int(fold)
    heard = n > 0
    without = {name for part in parts for name in part.provenance.get("without", ())} - set(np.array(ids)[heard])
    return Predictions(
        tuple(name for name, is_heard in zip(ids, heard, strict=True) if is_heard),
        first.classes,
        total[heard] / n[heard, None],
        link="logit",
        folds=folds[heard] if (n[heard] == 1).all() else None,
        provenance={
            "out_of_fold": True,
            "without": sorted(without),
            "mean_of": [{**part.provenance, "without": None} for part in parts],
        },
    )


def _unseen(run: RunFolder, noisy: Manifest) -> Manifest:
    """The noisy clips that a run has not learnt from, nor from noisy ones of their groups."""
    learnt = (run.read_json("learnt.json") or {}).get("clips")
    if learnt is None:
        raise RunError(
            f"run '{run.path}' does not say what it has learnt from, so its guesses may only repeat what it was told; "
            "train it again, beginning with weights of a known past",
            run.path,
        )
    groups = noisy.clips.filter(pl.col("id").is_in(learnt))["group"].drop_nulls().unique()
    return noisy.where(
        ~pl.col("id").is_in(learnt), pl.col("group").is_null() | ~pl.col("group").is_in(groups.implode())
    )


def _by_run(
    run: RunFolder,
    unseen: Manifest,
    curated: Manifest | None,
    store: Store,
    show: Show,
    snapshots: bool,
    device: str | torch.device,
) -> tuple[list[Path], Path | None]:
    """The tables of one run: guesses by each of its taggers, and vectors by the last one."""
    takers = _takers(run, snapshots)
    clips = Clips.of(unseen, store)
    tables = {name: (run.predictions(name), _facts(run, weights, clips)) for name, weights in takers.items()}
    space = None
    if curated is not None:
        space = run.path / "embeddings.parquet"
        name, weights = list(takers.items())[-1]
        table, facts = tables[name]
        everybody = Clips.of(curated.joined(unseen), store)
        if not (_is_table(table, clips.ids, facts) and _is_space(space, everybody.ids, facts)):
            heard = hear(
                _tagger(run, weights, unseen, device), everybody, track=show.track, what=f"hear {run.path.name}"
            )
            write_embeddings(replace(heard.embeddings, provenance=facts), space)
            write_predictions(replace(heard.predictions.aligned(clips.ids), provenance=facts), table)
    for name, weights in takers.items():
        table, facts = tables[name]
        if not _is_table(table, clips.ids, facts):
            made = predict(_tagger(run, weights, unseen, device), clips, track=show.track, what=f"predict {name}")
            write_predictions(replace(made, provenance=facts), table)
    return [table for table, _ in tables.values()], space


def _takers(run: RunFolder, snapshots: bool) -> dict[str, Path]:
    """The files of weights that speak for a run, by the names of their tables."""
    if not snapshots:
        return {NOISY: run.tagger}
    if not run.snapshots:
        raise RunError(f"run '{run.path}' kept no snapshots; train it with training.snapshots: true", run.path)
    return {f"{NOISY}-epoch-{epoch:04d}": place for epoch, place in run.snapshots.items()}


def _tagger(run: RunFolder, weights: Path, manifest: Manifest, device: str | torch.device) -> Tagger:
    tagger = load_tagger(weights, device)
    differing = sorted(set(tagger.classes) ^ set(manifest.classes))
    if differing:
        raise DataError(
            f"run '{run.path}' and the manifest are over different vocabularies: only one of them knows "
            f"'{differing[0]}'; name the data that the run was trained on"
        )
    return tagger


def _facts(run: RunFolder, weights: Path, clips: Clips) -> dict[str, Any]:
    """Where a table of guesses comes from."""
    with weights.open("rb") as file:
        name = hashlib.file_digest(file, "sha256").hexdigest()[:16]
    facts = run.facts()
    return {
        "run": run.path.name,
        "fold": facts.get("fold"),
        "weights": name,
        "out_of_fold": True,
        "without": list(clips.missing),
    }


def _is_table(path: Path, ids: Sequence[str], facts: dict[str, Any]) -> bool:
    """Whether a table of these clips by these weights is there."""
    if not path.is_file():
        return False
    there = read_predictions(path)
    return there.ids == tuple(ids) and dict(there.provenance) == facts


def _is_space(path: Path, ids: Sequence[str], facts: dict[str, Any]) -> bool:
    if not path.is_file():
        return False
    there = read_embeddings(path)
    return there.ids == tuple(ids) and dict(there.provenance) == facts
