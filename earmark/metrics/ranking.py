"""Where labels stand when the scores of a row are sorted: the ground under every metric here.

A row is whatever competes with itself: the classes of one clip for lwlrap, the clips of one class for average
precision. Arrays are [rows, columns]; positions count from 0 at the highest score; both axes may be empty. Ties are
kept visible as groups of equal scores, so that each metric can apply its own rule to them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float64, Int
from numpy.typing import ArrayLike

from earmark.core.errors import DataError

# Rows are sorted in blocks of about this many scores: the working arrays then stay in the processor's cache, and a
# table of 100 000 clips needs no more memory than a small one.
BLOCK_SCORES = 1 << 18


class Operands(NamedTuple):
    """Truth, scores and mask of one call, checked and of one shape [clips, classes]."""

    labels: Bool[np.ndarray, "clips classes"]
    scores: Float64[np.ndarray, "clips classes"]
    known: Bool[np.ndarray, "clips classes"]

    def by_class(self) -> Operands:
        """The same operands with one row a class, for metrics that rank the clips of a class."""
        return Operands(*(np.ascontiguousarray(part.T) for part in self))


class SortedRows(NamedTuple):
    """Rows in order of decreasing score, equal scores in order of their columns.

    ``order`` names the column at each position; ``start`` and ``end`` are the first and last position of the group
    of equal scores that the position belongs to.
    """

    order: Int[np.ndarray, "rows columns"]
    labels: Bool[np.ndarray, "rows columns"]
    known: Bool[np.ndarray, "rows columns"]
    start: Int[np.ndarray, "rows columns"]
    end: Int[np.ndarray, "rows columns"]


class LabelRanks(NamedTuple):
    """Where each label stands: one entry a label, in order of rows, all counts over known columns only.

    ``above`` and ``labels_above`` count what scores strictly higher; ``tied`` and ``labels_tied`` what scores the same,
    the label itself included; ``place`` and ``labels_place`` the label's own place in that group, from 1, when lower
    columns come first.
    """

    row: Int[np.ndarray, " labels"]
    column: Int[np.ndarray, " labels"]
    above: Int[np.ndarray, " labels"]
    tied: Int[np.ndarray, " labels"]
    place: Int[np.ndarray, " labels"]
    labels_above: Int[np.ndarray, " labels"]
    labels_tied: Int[np.ndarray, " labels"]
    labels_place: Int[np.ndarray, " labels"]


def checked(truth: ArrayLike, scores: ArrayLike, known: ArrayLike | None = None) -> Operands:
    """The arguments of a metric as arrays that can be trusted.

    NaN is refused here because a sort would silently give it a rank (with the reference code of the challenge: the
    first one).

    Args:
        truth: [clips, classes], booleans or numbers; above 0 is a label.
        scores: [clips, classes], real numbers, infinities included.
        known: [clips, classes] booleans, or None when everything is known.

    Raises:
        DataError: other shapes or types, or NaN.
    """
    truth_array, score_array = _numbers(truth, "truth"), _numbers(scores, "scores")
    if truth_array.ndim != 2 or truth_array.shape != score_array.shape:
        raise DataError(
            f"truth and scores must be tables of the same shape [clips, classes], but they are "
            f"{list(truth_array.shape)} and {list(score_array.shape)}; align them by clip and class first"
        )
    for name, array in (("truth", truth_array), ("scores", score_array)):
        _refuse_nan(array, name)
    labels = truth_array > 0
    if known is None:
        return Operands(labels, score_array.astype(np.float64, copy=False), np.ones(labels.shape, dtype=bool))
    mask = np.asarray(known)
    if mask.dtype != bool or mask.shape != labels.shape:
        raise DataError(
            f"known must be a table of True and False of shape {list(labels.shape)}, but its type is {mask.dtype} and "
            f"its shape {list(mask.shape)}; mark what is known by True"
        )
    return Operands(labels & mask, score_array.astype(np.float64, copy=False), mask)


def _numbers(values: ArrayLike, name: str) -> np.ndarray:
    try:
        array = np.asarray(values)
    except ValueError as fault:  # rows of different lengths
        raise DataError(f"{name} must be a table [clips, classes] of numbers, but numpy says: {fault}") from fault
    if array.dtype.kind not in "biuf":
        raise DataError(f"{name} must hold real numbers, but its type is {array.dtype}; convert it to float64 first")
    return array


def _refuse_nan(array: np.ndarray, name: str) -> None:
    missing = np.isnan(array)
    if missing.any():
        clip, column = np.argwhere(missing)[0]
        n_clips = int(missing.any(axis=1).sum())
        raise DataError(
            f"{name} must be numbers, but {int(missing.sum())} of {missing.size} are NaN, in {n_clips} of "
            f"{len(missing)} clips, the first in clip {clip} at class {column} (counted from 0); "
            "find what made them, or leave those clips out"
        )


def sort_rows(operands: Operands) -> SortedRows:
    """Sort every row by decreasing score and mark its groups of equal scores."""
    order = np.argsort(-operands.scores, axis=1, kind="stable")
    labels, scores, known = (np.take_along_axis(part, order, axis=1) for part in operands)
    n_columns = scores.shape[1]
    opens = np.ones(scores.shape, dtype=bool)
    opens[:, 1:] = scores[:, 1:] != scores[:, :-1]
    closes = np.ones(scores.shape, dtype=bool)
    closes[:, :-1] = opens[:, 1:]
    position = np.arange(n_columns)
    start = np.maximum.accumulate(np.where(opens, position, 0), axis=1)
    end = np.minimum.accumulate(np.where(closes, position, n_columns)[:, ::-1], axis=1)[:, ::-1]
    return SortedRows(order, labels, known, start, end)


def rank_labels(operands: Operands) -> LabelRanks:
    """Find where each label stands in its row.

    Rows without a label cost nothing. Columns that are not known are skipped in every count, wherever their scores
    would place them.
    """
    rows = np.flatnonzero(operands.labels.any(axis=1))
    n_rows = max(1, BLOCK_SCORES // max(1, operands.labels.shape[1]))
    blocks = [rows[first : first + n_rows] for first in range(0, len(rows), n_rows)]
    ranked = [_rank_block(Operands(*(part[block] for part in operands)), block) for block in blocks]
    if not ranked:
        return LabelRanks(*(np.zeros(0, dtype=np.int64) for _ in LabelRanks._fields))
    return LabelRanks(*(np.concatenate(parts) for parts in zip(*ranked, strict=True)))


def mean_where_any(sums: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """sums / counts, and NaN without a warning where nothing was counted; of any shape."""
    means = np.full(sums.shape, np.nan)
    np.divide(sums, counts, out=means, where=counts > 0)
    return means


def _rank_block(operands: Operands, rows: Int[np.ndarray, " rows"]) -> LabelRanks:
    ordered = sort_rows(operands)
    row, position = np.nonzero(ordered.labels)
    start, end = ordered.start[row, position], ordered.end[row, position]
    n_known, n_labels = np.cumsum(ordered.known, axis=1), np.cumsum(ordered.labels, axis=1)
    above = n_known[row, start] - ordered.known[row, start]
    labels_above = n_labels[row, start] - ordered.labels[row, start]
    return LabelRanks(
        row=rows[row],
        column=ordered.order[row, position],
        above=above,
        tied=n_known[row, end] - above,
        place=n_known[row, position] - above,
        labels_above=labels_above,
        labels_tied=n_labels[row, end] - labels_above,
        labels_place=n_labels[row, position] - labels_above,
    )
