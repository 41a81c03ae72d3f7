"""What the runs of a training say together of clips that some of them, or all, have heard."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from earmark.core.predictions import Predictions, pooled
from earmark.data.tables import read_predictions, write_predictions
from earmark.runs.folder import RunFolder


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


def put_together(folder: Path, runs: list[RunFolder], link: Literal["logit", "probability"] = "logit") -> None:
    """Where there is one run a fold, pool what each said of its held-out fold, and take the mean on the test part."""
    if not runs or runs[0].path == folder:
        return
    parts: dict[str, list[Predictions]] = {"held_out": [], "test": []}
    for name, found in parts.items():
        found += [read_predictions(place) for run in runs if (place := run.predictions(name)).is_file()]
    if parts["held_out"]:
        write_predictions(pooled(parts["held_out"]), RunFolder(folder).predictions("held_out"))
    if parts["test"]:
        write_predictions(mean_of(parts["test"], parts["test"][0].ids, link), RunFolder(folder).predictions("test"))
