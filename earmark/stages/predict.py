"""Guesses about clips that a training did not learn from: the ground that verdicts on doubtful labels stand on.

Each run says of every noisy clip that it did not learn from what it thinks of it; where there is one run a fold, the
mean of the runs that have a say is written beside them. What a run has learnt from is read from its own notes, and a
clip counts as learnt when any noisy clip of its group was, for their doubtful labels are alike; trusted labels give no
doubtful one away. A table that is there already, made by the same weights of the same clips, is not made again, so that
an interrupted stage goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import polars as pl
import torch

from earmark.core.errors import DataError, RunError
from earmark.core.manifest import Manifest
from earmark.core.predictions import Predictions
from earmark.data.clips import Clips
from earmark.data.store import Store
from earmark.data.tables import read_predictions, write_embeddings, write_predictions
from earmark.inference.predict import hear, predict
from earmark.inference.tagger import Tagger, load_tagger
from earmark.runs.folder import RunFolder
from earmark.stages.made_before import is_space, is_table, weights_name
from earmark.stages.show import Show
from earmark.stages.use import used

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
    changes: Sequence[str] = (),
    device: str | torch.device = "cpu",
) -> Guessed:
    """Predict the noisy part with every run of a folder that did not learn from it.

    Args:
        path: a run's folder, or one with a run a fold.
        manifest: what the runs worked on; its vocabulary must be theirs.
        embed: also write vectors of the noisy and the curated clips, a table a run.
        snapshots: let the snapshots of each run speak instead of its last weights.
        changes: to how the taggers are used; see `used`.

    Raises:
        RunError: a run is not finished, or does not say what it has learnt from.
        DataError: no noisy clip is unseen by any run, or the vocabularies differ.
    """
    noisy = manifest.where(part="train", origin="noisy")
    if not len(noisy):
        raise DataError(f"'{manifest.root}' holds no noisy training clip, so there is nothing to guess")
    curated = manifest.where(part="train", origin="curated") if embed else None
    return guess(path, noisy, store, show, trusted=curated, snapshots=snapshots, changes=changes, device=device)


def guess(
    path: Path,
    wanted: Manifest,
    store: Store,
    show: Show,
    *,
    part: str = NOISY,
    into: Path | None = None,
    trusted: Manifest | None = None,
    snapshots: bool | Sequence[float] = False,
    learnt: bool = False,
    link: Literal["logit", "probability"] = "logit",
    softmax: bool = False,
    changes: Sequence[str] = (),
    device: str | torch.device = "cpu",
) -> Guessed:
    """Predict some clips with every run of a folder that did not learn from them.

    Args:
        path: a run's folder, or one with a run a fold.
        wanted: the clips; their vocabulary must be that of the runs.
        part: what messages and tables call them.
        into: a folder for tables and vectors, laid out as ``path``; none puts them beside the runs.
        trusted: clips of which vectors are written as well, a table a run; none writes no vectors.
        snapshots: let the snapshots of each run speak instead of its last weights: all of them, or those that are
            nearest to some epochs.
        learnt: let runs also speak of clips that they have learnt from; the tables then say so, and nothing that must
            be out of fold takes them.
        link: whether the mean over the runs is one of log-odds or of probabilities.
        softmax: read what the taggers say as log-odds of one choice among all classes; what is written are those of
            each class's share.
        changes: to how the taggers are used; see `used`.

    Raises:
        RunError: a run is not finished, or does not say what it has learnt from.
        DataError: no clip is unseen by any run, or the vocabularies differ.
    """
    runs = runs_in(path)
    made: list[list[Path]] = []
    vectors: list[Path] = []
    for number, run in enumerate(runs, start=1):
        unseen = _unseen(run, wanted)
        called = part.replace("_", "-")
        show.say(f"run '{run.path}', {number} of {len(runs)}: {len(unseen)} of {len(wanted)} {called} clips are unseen")
        heard = wanted if learnt else unseen
        if not len(heard):
            continue
        place = run if into is None else RunFolder(into / run.path.relative_to(path))
        asked = _Asked(part, place, snapshots, softmax, tuple(changes))
        tables, space = _by_run(run, asked, heard, len(unseen) == len(heard), trusted, store, show, device)
        made.append(tables)
        vectors += [space] if space else []
        if into is not None and place.predictions(part) not in tables:
            write_predictions(mean_of(list(map(read_predictions, tables)), heard.ids, link), place.predictions(part))
    if not made:
        raise DataError(
            f"every run in '{path}' has learnt from all {part} clips, so nobody can judge them; train without them, or "
            "with folds (--fold each)"
        )
    whole = mean_of([read_predictions(table) for tables in made for table in tables], wanted.ids, link)
    target = RunFolder(into or path).predictions(part)
    if made[0][0] != target:
        write_predictions(whole, target)
    return Guessed(target, tuple(vectors), len(whole), len(wanted) - len(whole))


def members_of(path: Path) -> list[Path]:
    """The tables of guesses by single models in a folder; empty where there is but the one."""
    runs = [RunFolder(place.parent) for place in sorted(path.glob("fold-*/run.json"))] or [RunFolder(path)]
    found = []
    for run in runs:
        by_epoch = sorted((run.path / "predictions").glob(f"{NOISY}-epoch-*.parquet"))
        own = run.predictions(NOISY)
        found += by_epoch or ([own] if own.is_file() else [])
    return found if len(found) > 1 else []


def mean_of(
    parts: Sequence[Predictions], ids: Sequence[str], link: Literal["logit", "probability"] = "logit"
) -> Predictions:
    """The mean, on a link, of what the models that have a say think of every clip, in the order of ``ids``.

    Where each clip was heard by models of one fold, that fold stands beside it; where all models held the same fold
    out, the provenance names it.
    """
    first = parts[0]
    row = {name: i for i, name in enumerate(ids)}
    total, n = np.zeros((len(ids), len(first.classes))), np.zeros(len(ids), np.int64)
    folds, of_one_fold = np.full(len(ids), -1, np.int64), True
    for part in parts:
        rows = [row[name] for name in part.ids]
        fold = -1 if part.provenance.get("fold") is None else int(part.provenance["fold"])
        of_one_fold = of_one_fold and not (n[rows].astype(bool) & (folds[rows] != fold)).any()
        total[rows] += part.aligned(part.ids, first.classes).on(link).scores
        n[rows] += 1
        folds[rows] = fold
    heard = n > 0
    held_out = {part.provenance.get("fold") for part in parts}
    without = {name for part in parts for name in part.provenance.get("without", ())} - set(np.array(ids)[heard])
    return Predictions(
        tuple(name for name, is_heard in zip(ids, heard, strict=True) if is_heard),
        first.classes,
        total[heard] / n[heard, None],
        link=link,
        folds=folds[heard] if of_one_fold else None,
        provenance={
            "out_of_fold": all(part.provenance.get("out_of_fold", True) for part in parts),
            "fold": held_out.pop() if len(held_out) == 1 else None,
            "without": sorted(without),
            "mean_of": [{**part.provenance, "without": None} for part in parts],
        },
    )


def _unseen(run: RunFolder, wanted: Manifest) -> Manifest:
    """The clips that a run has not learnt from, nor from others among them of their groups."""
    learnt = (run.read_json("learnt.json") or {}).get("clips")
    if learnt is None:
        raise RunError(
            f"run '{run.path}' does not say what it has learnt from, so its guesses may only repeat what it was told; "
            "train it again, beginning with weights of a known past",
            run.path,
        )
    groups = wanted.clips.filter(pl.col("id").is_in(learnt))["group"].drop_nulls().unique()
    return wanted.where(
        ~pl.col("id").is_in(learnt), pl.col("group").is_null() | ~pl.col("group").is_in(groups.implode())
    )


class _Asked(NamedTuple):
    """What is asked of a run, and where the answer goes."""

    part: str
    place: RunFolder
    snapshots: bool | Sequence[float]
    softmax: bool
    changes: tuple[str, ...]

    def said(self, predictions: Predictions, facts: dict[str, Any]) -> Predictions:
        """What a tagger said as log-odds of each class, with where it comes from."""
        if self.softmax:
            predictions = replace(predictions, link="softmax_logit").on("probability").on("logit")
        return replace(predictions, provenance=facts)


def _by_run(
    run: RunFolder,
    asked: _Asked,
    wanted: Manifest,
    out_of_fold: bool,
    trusted: Manifest | None,
    store: Store,
    show: Show,
    device: str | torch.device,
) -> tuple[list[Path], Path | None]:
    """The tables of one run: guesses by each of its taggers, and vectors by the last one."""
    takers = _takers(run, asked)
    clips = Clips.of(wanted, store)
    tables = {
        name: (asked.place.predictions(name), _facts(run, weights, clips, out_of_fold, asked))
        for name, weights in takers.items()
    }
    space = None
    if trusted is not None:
        space = asked.place.path / "embeddings.parquet"
        name, weights = list(takers.items())[-1]
        table, facts = tables[name]
        everybody = Clips.of(trusted.joined(wanted), store)
        if not (is_table(table, clips.ids, facts) and is_space(space, everybody.ids, facts)):
            heard = hear(
                _tagger(run, weights, wanted, asked.changes, device),
                everybody,
                track=show.track,
                what=f"hear {run.path.name}",
            )
            write_embeddings(replace(heard.embeddings, provenance=facts), space)
            write_predictions(asked.said(heard.predictions.aligned(clips.ids), facts), table)
    for name, weights in takers.items():
        table, facts = tables[name]
        if not is_table(table, clips.ids, facts):
            tagger = _tagger(run, weights, wanted, asked.changes, device)
            made = predict(tagger, clips, track=show.track, what=f"predict {name}")
            write_predictions(asked.said(made, facts), table)
    return [table for table, _ in tables.values()], space


def _takers(run: RunFolder, asked: _Asked) -> dict[str, Path]:
    """The files of weights that speak for a run, by the names of their tables."""
    if not asked.snapshots:
        return {asked.part: run.tagger}
    if not run.snapshots:
        raise RunError(f"run '{run.path}' kept no snapshots; train it with training.snapshots: true", run.path)
    chosen = list(run.snapshots)
    if not isinstance(asked.snapshots, bool):
        chosen = sorted({min(run.snapshots, key=lambda epoch: abs(epoch - wanted)) for wanted in asked.snapshots})
    return {f"{asked.part}-epoch-{epoch:04d}": run.snapshots[epoch] for epoch in chosen}


def _tagger(
    run: RunFolder, weights: Path, manifest: Manifest, changes: Sequence[str], device: str | torch.device
) -> Tagger:
    tagger = used(load_tagger(weights, device), changes)
    tagger.must_be_taught()
    differing = sorted(set(tagger.classes) ^ set(manifest.classes))
    if differing:
        raise DataError(
            f"run '{run.path}' and the manifest are over different vocabularies: only one of them knows "
            f"'{differing[0]}'; name the data that the run was trained on"
        )
    return tagger


def _facts(run: RunFolder, weights: Path, clips: Clips, out_of_fold: bool, asked: _Asked) -> dict[str, Any]:
    """Where a table of guesses comes from."""
    name = weights_name(weights)
    facts = run.facts()
    return {
        "run": run.path.name,
        "fold": facts.get("fold"),
        "weights": name,
        "out_of_fold": out_of_fold,
        "without": list(clips.missing),
        **({"use": list(asked.changes)} if asked.changes else {}),
        **({"softmax": True} if asked.softmax else {}),
    }
