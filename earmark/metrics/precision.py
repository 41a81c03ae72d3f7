"""Average precision and the area under the ROC curve: how well the clips of a class are ranked.

Where lwlrap compares the classes of a clip, these compare the clips of a class, so that they see whether one threshold
could serve all clips. Arrays are [clips, classes], scores on any link, results in [0, 1]. Equal scores count as one
step of the curve, as in scikit-learn. A class without what it takes (a label; for auroc also a clip without the label)
has NaN, and means leave it out.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Float64, Int
from numpy.typing import ArrayLike

from earmark.core.errors import DataError
from earmark.metrics.ranking import Operands, checked, mean_where_any, rank_labels, sort_rows


def average_precision(
    truth: ArrayLike, scores: ArrayLike, known: ArrayLike | None = None
) -> Float64[np.ndarray, " classes"]:
    """The mean, over the labels of a class, of the precision among all clips that score at least as high; [classes].

    It is the area under the stepwise curve of precision over recall, not interpolated.

    Args:
        truth: [clips, classes]; above 0 is a label.
        scores: [clips, classes]; any real numbers, infinities included.
        known: [clips, classes] booleans; clips of which a class is unknown are left out for that class.

    Returns:
        One value a class, NaN for a class without labels.

    Raises:
        DataError: shapes differ or a score is NaN.

    >>> average_precision([[1, 0], [0, 0], [1, 0]], [[0.9, 0.1], [0.8, 0.2], [0.7, 0.3]])
    array([0.83333333,        nan])
    """
    return _average_precision(checked(truth, scores, known).by_class())


def mean_average_precision(truth: ArrayLike, scores: ArrayLike, known: ArrayLike | None = None) -> float:
    """mAP: the mean of `average_precision` over the classes that have labels; every class counts once.

    Arguments as in `average_precision`. Raises DataError also where there is no label at all.
    """
    return _mean_of_defined(average_precision(truth, scores, known))


def micro_average_precision(truth: ArrayLike, scores: ArrayLike, known: ArrayLike | None = None) -> float:
    """Average precision with all classes of all clips in one ranking; every label counts once.

    Arguments as in `average_precision`. Raises DataError also where there is no label at all.
    """
    operands = checked(truth, scores, known)
    return _mean_of_defined(_average_precision(Operands(*(part.reshape(1, -1) for part in operands))))


def auroc(truth: ArrayLike, scores: ArrayLike, known: ArrayLike | None = None) -> Float64[np.ndarray, " classes"]:
    """The chance that a clip with the label scores above one without it, equal scores counting half; [classes].

    Arguments and errors as in `average_precision`; NaN for a class that all known clips have, or none.

    >>> auroc([[1], [0], [1], [0]], [[0.9], [0.8], [0.8], [0.1]])
    array([0.875])
    """
    operands = checked(truth, scores, known).by_class()
    ranks = rank_labels(operands)
    others_above = ranks.above - ranks.labels_above
    others_tied = ranks.tied - ranks.labels_tied
    n_classes = len(operands.labels)
    beaten_by = np.bincount(ranks.row, weights=others_above + 0.5 * others_tied, minlength=n_classes)
    n_labels = operands.labels.sum(axis=1)
    n_pairs = n_labels * (operands.known.sum(axis=1) - n_labels)
    return np.asarray(1.0 - mean_where_any(beaten_by, n_pairs), dtype=np.float64)


def mean_average_precision_on(
    truth: ArrayLike, scores: ArrayLike, known: ArrayLike | None = None
) -> Callable[[Int[np.ndarray, " drawn"]], float]:
    """mAP as a function of which clips are looked at, for resampling: the sorting is done once, here.

    The function takes the row numbers of the clips drawn (a clip may be drawn several times, or never) and returns what
    `mean_average_precision` says of those rows; NaN where they hold no label. Arguments and errors as in
    `average_precision`.

    >>> truth, scores = [[1, 0], [0, 1], [1, 0]], [[0.9, 0.1], [0.8, 0.2], [0.7, 0.3]]
    >>> mean_average_precision_on(truth, scores)(np.array([0, 1, 1]))
    1.0
    """
    ordered = sort_rows(checked(truth, scores, known).by_class())
    n_classes, n_clips = ordered.labels.shape
    row, position = np.nonzero(ordered.labels)
    clip, end = ordered.order[row, position], ordered.end[row, position]
    # Labels are numbered through all classes, class by class and from the top score down; `opening` is the number of
    # the first label of a class, `closing` of the first one below a label's group of equal scores.
    opening = np.searchsorted(row, np.arange(n_classes))[row]
    closing = opening + np.cumsum(ordered.labels, axis=1)[row, end]

    def statistic(drawn: Int[np.ndarray, " drawn"]) -> float:
        times = np.bincount(drawn, minlength=n_clips)
        n_down_to = np.cumsum(times[ordered.order] * ordered.known, axis=1)[row, end]
        weights = times[clip]
        hits = np.concatenate([[0], np.cumsum(weights)])
        precisions = (hits[closing] - hits[opening]) / np.maximum(n_down_to, 1)
        counts = np.bincount(row, weights=weights, minlength=n_classes)
        sums = np.bincount(row, weights=weights * precisions, minlength=n_classes)
        means = mean_where_any(sums, counts)[counts > 0]
        return float(means.mean()) if len(means) else float("nan")

    return statistic


def _average_precision(operands: Operands) -> Float64[np.ndarray, " rows"]:
    ranks = rank_labels(operands)
    precisions = (ranks.labels_above + ranks.labels_tied) / (ranks.above + ranks.tied)
    n_rows = len(operands.labels)
    counts = np.bincount(ranks.row, minlength=n_rows)
    sums = np.bincount(ranks.row, weights=precisions, minlength=n_rows)
    return mean_where_any(sums, counts)


def _mean_of_defined(values: Float64[np.ndarray, " values"]) -> float:
    defined = values[~np.isnan(values)]
    if len(defined) == 0:
        raise DataError(
            "average precision needs at least one label, but no clip has any; "
            "check that the truth was joined to these clips and classes"
        )
    return float(defined.mean())
