"""From truth and scores to the tables of a report, and from tables to text.

Arrays are [clips, classes] with the classes of the predictions as columns; ``truth`` above 0 is a label, ``known`` is
False where nobody knows. What cannot be computed (an interval from one clip, a class without labels) is NaN or None in
the tables and a dash in the text; a score that is NaN was refused long before.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from rich.cells import cell_len

from earmark.core.predictions import Predictions
from earmark.metrics import (
    Interval,
    Ties,
    auroc,
    average_precision,
    bootstrap_interval,
    clip_lrap,
    lwlrap_class_intervals,
    lwlrap_interval,
    lwlrap_sums,
    mean_average_precision,
    mean_average_precision_on,
)
from earmark.reports.report import ClassTable, ConfusionTable, Guess, ScoreRow, WorstClip
from earmark.reports.wording import number, span

Hear = Callable[[str], tuple[NDArray[np.float32], int]]
"""Gives the wave [samples] and the rate in Hz of a clip by its name."""

# mAP ranks every class anew in each resample: this many scores in all keep that to a few seconds on large tables.
_MAP_SCORES = 4 * 10**8


def score_row(
    part: str,
    truth: ArrayLike,
    scores: ArrayLike,
    *,
    known: ArrayLike | None = None,
    ties: Ties = "reference",
    groups: Sequence[Hashable] | None = None,
    n_resamples: int = 2000,
    seed: int = 0,
) -> ScoreRow:
    """lwlrap and mAP of one part, with 95 % intervals where at least two clips (or groups) have labels.

    Args:
        part: what the row is called.
        groups: one name a clip; clips of one name are drawn together.
        n_resamples: how often the clips are drawn again for lwlrap; for mAP fewer on tables of millions of scores.
        seed: the same seed gives the same intervals.

    Raises:
        DataError: shapes differ or a score is NaN.
        SettingsError: no such tie rule, or numbers without meaning.

    >>> score_row("test", [[1, 0]], [[0.9, 0.1]]).lwlrap
    Interval(value=1.0, low=nan, high=nan)
    """
    sums = lwlrap_sums(truth, scores, ties=ties, known=known)
    n_clips, n_labels = np.shape(truth)[0], int(sums.counts.sum())
    if n_labels == 0:
        return ScoreRow(part, n_clips, 0, None, None)
    if _n_labelled(truth, known, groups) < 2:
        mean_ap = mean_average_precision(truth, scores, known)
        return ScoreRow(part, n_clips, n_labels, _without_ends(sums.value), _without_ends(mean_ap))
    return ScoreRow(
        part,
        n_clips,
        n_labels,
        lwlrap_interval(truth, scores, ties=ties, known=known, groups=groups, n_resamples=n_resamples, seed=seed),
        bootstrap_interval(
            mean_average_precision_on(truth, scores, known),
            n_clips,
            bounds=(0.0, 1.0),
            groups=groups,
            n_resamples=int(np.clip(_MAP_SCORES // np.size(scores), 100, n_resamples)),
            seed=seed,
        ),
    )


def per_class_table(
    classes: Sequence[str],
    truth: ArrayLike,
    scores: ArrayLike,
    known: ArrayLike | None = None,
    *,
    ties: Ties = "reference",
    groups: Sequence[Hashable] | None = None,
    n_resamples: int = 1000,
    seed: int = 0,
) -> ClassTable:
    """How good the predictions are for each class, with intervals; arguments and errors as in `score_row`."""
    sums = lwlrap_sums(truth, scores, ties=ties, known=known)
    value = sums.per_class
    low = high = np.full(len(value), np.nan)
    if (np.shape(truth)[0] if groups is None else len(set(groups))) >= 2:
        value, low, high = lwlrap_class_intervals(
            truth, scores, ties=ties, known=known, groups=groups, n_resamples=n_resamples, seed=seed
        )
    return ClassTable(
        tuple(classes),
        sums.counts,
        value,
        low,
        high,
        average_precision(truth, scores, known),
        auroc(truth, scores, known),
    )


def confusions(
    classes: Sequence[str], truth: ArrayLike, scores: ArrayLike, known: ArrayLike | None = None
) -> ConfusionTable:
    """For each label, how often each class that is absent stands above it; arguments and errors as in `score_row`.

    >>> confusions(["a", "b"], [[1, 0], [1, 0]], [[0.2, 0.7], [0.9, 0.1]]).counts.tolist()
    [[0, 1], [0, 0]]
    """
    counted = lwlrap_sums(truth, scores, known=known).counts  # also checks shapes and NaN
    values, labels = np.asarray(scores), np.asarray(truth) > 0
    mask = np.ones(labels.shape, dtype=bool) if known is None else np.asarray(known)
    labels, absent = labels & mask, ~labels & mask
    counts = np.zeros((len(classes), len(classes)), dtype=np.int64)
    for column in range(len(classes)):
        rows = np.flatnonzero(labels[:, column])
        counts[column] = ((values[rows] > values[rows, column, None]) & absent[rows]).sum(axis=0)
    return ConfusionTable(tuple(classes), counted, counts)


def worst_clips(
    predictions: Predictions,
    truth: ArrayLike,
    n: int,
    *,
    hear: Hear | None = None,
    known: ArrayLike | None = None,
    ties: Ties = "reference",
    n_top: int = 5,
) -> tuple[WorstClip, ...]:
    """The clips whose labels stand lowest, worst first, equal ones by name; clips without a label are passed over.

    Args:
        truth: [clips, classes], in the order of the predictions' ids and classes.
        n: how many to pick at most.
        hear: gives the sound of those that were picked; without it their waves are empty.
        n_top: how many of the best placed classes to name; labels placed lower are named after them.

    Raises:
        DataError: shapes differ.
    """
    lrap = clip_lrap(truth, predictions.scores, known=known, ties=ties)
    judged = np.flatnonzero(~np.isnan(lrap))
    picked = sorted(judged, key=lambda row: (lrap[row], predictions.ids[row]))[:n]
    labels = np.asarray(truth) > 0
    if known is not None:
        labels &= np.asarray(known)
    raw = predictions.link in ("probability", "rank")
    chances = (predictions if raw else predictions.on("probability")).scores
    worst = []
    for row in picked:
        name = predictions.ids[row]
        wave, rate_hz = (np.zeros(0, np.float32), 0) if hear is None else hear(name)
        placed = np.argsort(-predictions.scores[row], kind="stable")
        guesses = [
            Guess(predictions.classes[column], float(chances[row, column]), place)
            for place, column in enumerate(placed, start=1)
            if place <= n_top or labels[row, column]
        ]
        has = tuple(predictions.classes[column] for column in np.flatnonzero(labels[row]))
        worst.append(WorstClip(name, wave, rate_hz, has, tuple(guesses), float(lrap[row])))
    return tuple(worst)


def text_table(header: Sequence[str], rows: Sequence[Sequence[str | float | None]], *, digits: int = 3) -> str:
    """Plain text in aligned columns: words to the left, numbers to the right, a dash where there is nothing.

    Args:
        header: one name a column.
        rows: cells; floats are written with ``digits`` digits after the point.

    >>> print(text_table(["class", "lwlrap", "labels"], [["Bark", 0.5, 12], ["Meow", float("nan"), 0]]))
    class  lwlrap  labels
    -----  ------  ------
    Bark    0.500      12
    Meow        –       0
    """
    cells = [[_cell(value, digits) for value in row] for row in rows]
    right = [
        bool(rows) and all(value is None or isinstance(value, int | float) for value in column)
        for column in (zip(*rows, strict=True) if rows else ([] for _ in header))
    ]
    lines = [list(header), *cells]
    widths = [max(cell_len(line[column]) for line in lines) for column in range(len(header))]
    lines.insert(1, ["-" * width for width in widths])
    padded = (map(_padded, line, widths, right) for line in lines)
    return "\n".join("  ".join(line).rstrip() for line in padded)


def scores_as_text(rows: Sequence[ScoreRow]) -> str:
    """The scores of all parts for a terminal."""
    header = ["part", "clips", "labels", "lwlrap", "95 % interval", "mAP", "95 % interval"]
    cells: list[list[str | float | None]] = [
        [row.part, row.n_clips, row.n_labels, *_said(row.lwlrap), *_said(row.map)] for row in rows
    ]
    return text_table(header, cells)


def classes_as_text(table: ClassTable) -> str:
    """How good each class is for a terminal, the best first."""
    header = ["class", "labels", "lwlrap", "95 % interval", "AP"]
    rows: list[list[str | float | None]] = [
        [
            table.classes[row],
            int(table.n_labels[row]),
            float(table.lwlrap[row]),
            span(table.low[row], table.high[row]),
            float(table.average_precision[row]),
        ]
        for row in table.order
    ]
    return text_table(header, rows)


def _said(interval: Interval | None) -> tuple[float | None, str]:
    return (None, span(None, None)) if interval is None else (interval.value, span(interval.low, interval.high))


def _cell(value: str | float | None, digits: int) -> str:
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) else number(value, digits)


def _padded(cell: str, width: int, to_right: bool) -> str:
    """A cell in its column; signs of some scripts are two letters wide, so ``str.ljust`` would not do."""
    blank = " " * (width - cell_len(cell))
    return blank + cell if to_right else cell + blank


def _n_labelled(truth: ArrayLike, known: ArrayLike | None, groups: Sequence[Hashable] | None) -> int:
    """How many clips (or groups) have a label; a single one comes out the same in every resample that holds it."""
    labels = np.asarray(truth) > 0
    labelled = np.flatnonzero((labels if known is None else labels & np.asarray(known)).any(axis=1)).tolist()
    return len(labelled) if groups is None else len({groups[row] for row in labelled if row < len(groups)})


def _without_ends(value: float) -> Interval:
    return Interval(value, np.nan, np.nan)
