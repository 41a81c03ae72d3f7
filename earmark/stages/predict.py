"""Guesses about clips that a training did not learn from: the ground that verdicts on doubtful labels stand on.

Each run says of every noisy clip that it did not learn from what it thinks of it; where there is one run a fold, the
mean of the runs that have a say is written beside them. What a run has learnt from is read from its own notes, and a
clip counts as learnt when any noisy clip of its group was, for their doubtful labels are alike; trusted labels give no
doubtful one away. A table that is there already, made by the same weights of the same clips, is not made again, so that
an interrupted stage goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch

from earmark.core.errors import DataError
from earmark.core.manifest import Manifest
from earmark.data.store import Store
from earmark.data.tables import read_predictions, write_predictions
from earmark.runs.folder import RunFolder
from earmark.stages.finished_runs import runs_in, unseen_by
from earmark.stages.mean_of_runs import mean_of
from earmark.stages.run_guesses import Asked, guesses_of_run
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
    legacy_in_training: bool = False,
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
        legacy_in_training: let networks answer as they train; see `earmark.inference.in_training`. Vectors are as in
            use.
        changes: to how the taggers are used; see `used`.

    Raises:
        RunError: a run is not finished, or does not say what it has learnt from.
        DataError: no clip is unseen by any run, or the vocabularies differ.
    """
    runs = runs_in(path)
    made: list[list[Path]] = []
    vectors: list[Path] = []
    for number, run in enumerate(runs, start=1):
        unseen = unseen_by(run, wanted)
        called = part.replace("_", "-")
        show.say(f"run '{run.path}', {number} of {len(runs)}: {len(unseen)} of {len(wanted)} {called} clips are unseen")
        heard = wanted if learnt else unseen
        if not len(heard):
            continue
        place = run if into is None else RunFolder(into / run.path.relative_to(path))
        asked = Asked(part, place, snapshots, softmax, tuple(changes), legacy_in_training)
        tables, space = guesses_of_run(run, asked, heard, len(unseen) == len(heard), trusted, store, show, device)
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
        there = {name: table for name, table in run.tables(NOISY).items() if not name.way}
        by_epoch = [table for name, table in there.items() if name.epoch is not None]
        found += by_epoch or list(there.values())
    return found if len(found) > 1 else []
