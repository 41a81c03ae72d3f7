"""Scoring: predictions against the right labels, part by part, with intervals.

Clips of one group are drawn together when intervals are made, for they are not independent of each other; with few
groups, or none given, those of one file are. What has no prediction is never passed over in silence.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from earmark.core.errors import DataError
from earmark.core.manifest import Manifest
from earmark.core.predictions import CHOSE, Predictions, sources
from earmark.core.settings import nearest
from earmark.data.sources.csv_table import Csv
from earmark.data.sources.detection import detect
from earmark.data.tables import read_predictions
from earmark.metrics import Difference, Ties, lwlrap, lwlrap_difference
from earmark.reports.report import ScoreRow
from earmark.reports.tables import score_row
from earmark.runs.folder import RunFolder

_FEWEST_GROUPS = 30
"""Drawing fewer groups than this again and again gives intervals that are too narrow; then files are drawn."""


@dataclass(frozen=True, eq=False)
class Judged:
    """Predictions beside the labels of the same clips, rows and columns in one order."""

    predictions: Predictions
    truth: NDArray[np.float32]
    known: NDArray[np.bool_]
    usage: NDArray[np.str_]
    """What each clip serves for within its part (Public, Private); empty where nothing is said."""
    groups: NDArray[np.str_] | None = None
    """What each clip is drawn together with; none where every clip stands alone."""
    without: tuple[str, ...] = ()
    """Clips that were excused: labelled, and without a prediction."""


def read_truth(place: Path, classes: Sequence[str]) -> Manifest:
    """The right labels: those of a data folder, or of a csv with a column of clips and one of labels.

    Raises:
        DataError: there is nothing there, it cannot be read as either, or a csv uses labels that are not predicted.
    """
    if place.is_dir():
        return detect(place).read(place)
    if not place.is_file():
        raise DataError(f"there is no table or folder of labels '{place}'; check its spelling", place)
    table = Csv(table=place.name, check_files=False)
    predicted = {name.casefold() for name in classes}
    lacking = [name for name in table.read(place.parent).classes if name.casefold() not in predicted]
    if lacking:
        raise DataError(
            f"the predictions have no column for {_first(lacking, 'class')}, which '{place}' uses; "
            f"{nearest(lacking[0], classes)}",
            place,
        )
    return table.model_copy(update={"vocabulary": tuple(classes)}).read(place.parent)


def judge(predictions: Predictions, manifest: Manifest, excused: Collection[str] = ()) -> Judged:
    """Put predictions and labels side by side by the names of the clips.

    Args:
        excused: clips that need no prediction, such as those in quarantine.

    Raises:
        DataError: other classes, no clip in common, predicted clips without labels, or labelled ones without a
            prediction (see `unpredicted`).
    """
    _must_agree(predictions.classes, manifest.classes)
    if not len(predictions):
        raise DataError("the table of predictions has no rows, so there is nothing to score; predict some clips first")
    there = set(manifest.ids)
    common = [name for name in predictions.ids if name in there]
    if not common:
        raise DataError(
            f"none of the {len(predictions)} predicted clips is labelled, for example '{predictions.ids[0]}'"
            + (f" against '{manifest.ids[0]}'" if len(manifest) else "")
            + "; name the truth of these clips"
        )
    if len(common) < len(predictions):
        stray = next(name for name in predictions.ids if name not in there)
        raise DataError(
            f"{len(predictions) - len(common)} predicted clips have no labels, first '{stray}'; name the truth of all"
        )
    lacking = unpredicted(predictions, manifest)
    refused = [name for name in lacking if name not in excused]
    if refused:
        raise DataError(
            f"{len(refused)} labelled clips have no prediction, first '{refused[0]}'; "
            "predict them as well, or take them out of the truth"
        )
    targets = manifest.targets(common)
    clips = pl.DataFrame({"id": common}).join(manifest.clips, on="id", how="left", maintain_order="left")
    groups = clips.select(pl.coalesce("group", "file")).to_series()
    if groups.n_unique() < _FEWEST_GROUPS:
        groups = clips["file"]
    return Judged(
        predictions.aligned(common, manifest.classes),
        targets.values,
        targets.known,
        np.array(clips["usage"].fill_null("").to_list()),
        np.array(groups.to_list()) if groups.is_duplicated().any() else None,
        tuple(lacking),
    )


def unpredicted(predictions: Predictions, manifest: Manifest) -> list[str]:
    """The labelled clips that these predictions should cover and do not.

    Predictions speak for every part and origin of which they know a clip: those of a test part for the whole of it,
    held-out ones for the curated clips, of their folds alone. Where the truth does not say which fold a clip is in,
    held-out predictions speak for themselves alone.
    """
    clips = manifest.clips.filter(pl.col("id").is_in(manifest.labels["clip"].to_list()))
    covered = pl.col("id").is_in(list(predictions.ids))
    clips = clips.join(manifest.clips.filter(covered).select("part", "origin").unique(), on=["part", "origin"])
    if predictions.folds is not None:
        clips = clips.filter(pl.col("fold").is_in(sorted(set(predictions.folds.tolist()))))
    return sorted(clips.filter(~covered)["id"].to_list())


def quarantined(table: Path, manifest: Manifest) -> set[str]:
    """The clips whose files the run that made this table of predictions had to leave out."""
    run = RunFolder(table.parent.parent)
    noted = run.path / "quarantine.csv"
    if not run.facts() or not noted.is_file():
        return set()
    left_out = pl.read_csv(noted).filter(~pl.col("kept"))["file"].to_list()
    # A truth in a csv may name the bare file, where the run knew it with its folder.
    names = set(left_out) | {Path(file).name for file in left_out}
    return set(manifest.clips.filter(pl.col("file").is_in(list(names)))["id"].to_list())


def _must_agree(predicted: Sequence[str], known: Sequence[str]) -> None:
    lacking = sorted(set(known) - set(predicted))
    if lacking:
        raise DataError(
            f"the predictions have no column for {_first(lacking, 'class')} of the truth; "
            f"{nearest(lacking[0], predicted)}"
        )
    strange = sorted(set(predicted) - set(known))
    if strange:
        raise DataError(
            f"the truth knows nothing of {_first(strange, 'class')} of the predictions; {nearest(strange[0], known)}"
        )


def _first(names: Sequence[str], what: str) -> str:
    """A name, and how many more there are."""
    return f"{what} '{names[0]}'" + (f" and {len(names) - 1} more" if len(names) > 1 else "")


def rows(judged: Judged, part: str, **options: Any) -> list[ScoreRow]:
    """A row for all clips, and one for each usage where there are several."""
    every = np.ones(len(judged.usage), np.bool_)
    found = [_row(judged, part, every, **options)]
    for usage in sorted(set(judged.usage) - {""}, reverse=True):
        mask = judged.usage == usage
        if not mask.all():
            found.append(_row(judged, f"{part}, {usage}", mask, **options))
    return found


def _row(judged: Judged, part: str, mask: NDArray[np.bool_], **options: Any) -> ScoreRow:
    groups = None if judged.groups is None else judged.groups[mask].tolist()
    scores = judged.predictions.scores[mask]
    return score_row(part, judged.truth[mask], scores, known=judged.known[mask], groups=groups, **options)


def compare(one: Judged, other: Judged, ties: Ties, n_resamples: int) -> Difference:
    """How much better the other predictions are, on the same resamples of the same clips.

    Its ends are NaN where there is but one clip, or one group, to draw from.
    """
    aligned = other.predictions.aligned(one.predictions.ids, one.predictions.classes)
    a, b = one.predictions.scores, aligned.scores
    groups = None if one.groups is None else one.groups.tolist()
    if len(a if groups is None else set(groups)) < 2:
        gain = lwlrap(one.truth, b, known=one.known, ties=ties) - lwlrap(one.truth, a, known=one.known, ties=ties)
        return Difference(gain, math.nan, math.nan, math.nan)
    return lwlrap_difference(
        one.truth, a, b, ties=ties, known=one.known, groups=groups, n_resamples=n_resamples, seed=0
    )


def score_run(run: RunFolder, manifest: Manifest) -> tuple[list[ScoreRow], list[str]]:
    """The rows of everything that a run has predicted and that has labels, noted in its folder too.

    Args:
        manifest: what the run worked on, with its folds.

    Returns:
        The rows, and a line for each part that lacks clips: what a run had to leave out is no reason to refuse it.
    """
    found: list[ScoreRow] = []
    lines: list[str] = []
    fold = run.facts().get("fold")
    for name, called in (
        ("held_out", "held out, pooled" if fold is None else f"held out, fold {fold}"),
        ("put_aside", "put aside"),
        ("test", "test"),
    ):
        judged = judged_part(run, name, manifest)
        if judged is not None:
            called += _chose(judged.predictions.provenance)
            found += rows(judged, called)
            if judged.without:
                lines.append(f"{called}: {len(judged.without)} clips without prediction (quarantined)")
    run.write_json("scores.json", [as_data(row) for row in found])
    return found, lines


def _chose(provenance: Mapping[str, Any]) -> str:
    """A mark on scores of clips by which something was chosen.

    >>> _chose({"pooled": [{"chose": ["epoch"]}, {"chose": ["epoch"]}]}), _chose({})
    (', which chose the epoch', '')
    """
    chosen = dict.fromkeys(what for each in sources(provenance) for what in each.get(CHOSE, ()))
    return f", which chose the {' and the '.join(chosen)}" if chosen else ""


def judged_part(run: RunFolder, part: str, manifest: Manifest) -> Judged | None:
    """What a run predicted for a part, beside the labels; none where it did not, or nobody labelled it."""
    if not run.predictions(part).is_file():
        return None
    predictions = read_predictions(run.predictions(part))
    return judge(predictions, manifest, excused=set(manifest.ids)) if is_labelled(predictions, manifest) else None


def is_labelled(predictions: Predictions, manifest: Manifest) -> bool:
    """Whether the truth has a label for any of these clips."""
    return not set(manifest.labels["clip"].to_list()).isdisjoint(predictions.ids)


def as_data(row: ScoreRow) -> dict[str, Any]:
    """A row as plain data; None where there is no number."""
    return {
        "part": row.part,
        "n_clips": row.n_clips,
        "n_labels": row.n_labels,
        "lwlrap": numbers(row.lwlrap._asdict()) if row.lwlrap else None,
        "map": numbers(row.map._asdict()) if row.map else None,
    }


def numbers(values: Mapping[str, Any]) -> dict[str, Any]:
    """The same values with None for NaN, which JSON does not know.

    >>> numbers({"low": float("nan"), "value": 0.5})
    {'low': None, 'value': 0.5}
    """
    return {k: None if isinstance(v, float) and math.isnan(v) else v for k, v in values.items()}
