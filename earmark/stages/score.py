"""Scoring: predictions against the right labels, part by part, with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from earmark.core.errors import DataError
from earmark.core.manifest import Manifest
from earmark.core.predictions import Predictions
from earmark.data.sources.csv_table import Csv
from earmark.data.sources.detection import detect
from earmark.data.tables import read_predictions
from earmark.metrics import Difference, Ties, lwlrap_difference
from earmark.reports.report import ScoreRow
from earmark.reports.tables import score_row, scores_as_text
from earmark.runs.folder import RunFolder


@dataclass(frozen=True, eq=False)
class Judged:
    """Predictions beside the labels of the same clips, rows and columns in one order."""

    predictions: Predictions
    truth: NDArray[np.float32]
    known: NDArray[np.bool_]
    usage: NDArray[np.str_]
    """What each clip serves for within its part (Public, Private); empty where nothing is said."""


def read_truth(place: Path, classes: Sequence[str]) -> Manifest:
    """The right labels: those of a data folder, or of a csv with a column of clips and one of labels.

    Raises:
        DataError: there is nothing there, or it cannot be read as either.
    """
    if place.is_dir():
        return detect(place).read(place)
    if not place.is_file():
        raise DataError(f"there is no table or folder of labels '{place}'; check its spelling", place)
    return Csv(table=place.name, check_files=False, vocabulary=tuple(classes)).read(place.parent)


def judge(predictions: Predictions, manifest: Manifest) -> Judged:
    """Put predictions and labels side by side by the names of the clips.

    Raises:
        DataError: other classes, or no clip in common, or labelled clips without a prediction of theirs.
    """
    if set(predictions.classes) != set(manifest.classes):
        only = sorted(set(predictions.classes) ^ set(manifest.classes))
        raise DataError(
            f"predictions over {len(predictions.classes)} classes cannot be scored with labels over "
            f"{len(manifest.classes)}; they differ in {', '.join(only[:3])}"
        )
    there = set(manifest.ids)
    common = [name for name in predictions.ids if name in there]
    if not common:
        raise DataError(
            f"none of the {len(predictions)} predicted clips is labelled, for example '{predictions.ids[0]}' "
            f"against '{manifest.ids[0]}'; name the truth of these clips"
        )
    if len(common) < len(predictions):
        stray = next(name for name in predictions.ids if name not in there)
        raise DataError(
            f"{len(predictions) - len(common)} predicted clips have no labels, first '{stray}'; name the truth of all"
        )
    aligned = predictions.aligned(common, manifest.classes)
    targets = manifest.targets(common)
    usage = dict(zip(manifest.clips["id"], manifest.clips["usage"].fill_null(""), strict=True))
    return Judged(aligned, targets.values, targets.known, np.array([usage[name] for name in common]))


def rows(judged: Judged, part: str, **options: Any) -> list[ScoreRow]:
    """A row for all clips, and one for each usage where there are several."""
    found = [score_row(part, judged.truth, judged.predictions.scores, known=judged.known, **options)]
    for usage in sorted(set(judged.usage) - {""}, reverse=True):
        mask = judged.usage == usage
        if mask.all():
            continue
        found.append(
            score_row(
                f"{part}, {usage}",
                judged.truth[mask],
                judged.predictions.scores[mask],
                known=judged.known[mask],
                **options,
            )
        )
    return found


def compare(one: Judged, other: Judged, ties: Ties, n_resamples: int) -> Difference:
    """How much better the other predictions are, on the same resamples of the same clips."""
    aligned = other.predictions.aligned(one.predictions.ids, one.predictions.classes)
    return lwlrap_difference(
        one.truth, one.predictions.scores, aligned.scores, ties=ties, known=one.known, n_resamples=n_resamples, seed=0
    )


def scores_of_run(run: RunFolder, manifest: Manifest) -> list[ScoreRow]:
    """The rows of everything that a run has predicted and that has labels."""
    found: list[ScoreRow] = []
    fold = run.facts().get("fold")
    for name, called in (("held_out", "held out" if fold is None else f"held out, fold {fold}"), ("test", "test")):
        if run.predictions(name).is_file():
            predictions = read_predictions(run.predictions(name))
            labelled = set(manifest.labels["clip"])
            if labelled & set(predictions.ids):
                found += rows(judge(predictions, manifest), called)
    return found


def held_out_and_test(run: RunFolder, manifest: Manifest) -> list[str]:
    """The scores of a run as lines for a terminal, noted in its folder too."""
    found = scores_of_run(run, manifest)
    run.write_json("scores.json", [as_data(row) for row in found])
    return scores_as_text(found).splitlines() if found else []


def as_data(row: ScoreRow) -> dict[str, Any]:
    """A row as plain data."""
    return {
        "part": row.part,
        "n_clips": row.n_clips,
        "n_labels": row.n_labels,
        "lwlrap": row.lwlrap._asdict() if row.lwlrap else None,
        "map": row.map._asdict() if row.map else None,
    }
