"""How well given labels agree with guesses, and in which order clips are chosen.

Arrays are [clips, classes]; rows are in the order of the clips' ids, which is what breaks the last tie.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from earmark.metrics import clip_lrap

TINY = 1e-12


def agreement(labels: NDArray[np.bool_], scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """The ranking precision of each clip's labels, [clips], equal scores counting against them; 1 without labels.

    As scikit-learn has it and as Akhmetov's relabelling used it: the mean over the labels of the share of labels among
    the classes that score at least as high. A clip with every class has 1 too.
    """
    found = clip_lrap(labels, scores, ties="pessimistic")
    return np.where(np.isnan(found), 1.0, found)


def mean_log_p(labels: NDArray[np.bool_], p: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean log chance of each clip's labels, [clips]; minus infinity without labels."""
    n = labels.sum(axis=1)
    total = np.where(labels, np.log(np.clip(p, TINY, 1)), 0.0).sum(axis=1)
    return np.where(n > 0, total / np.maximum(n, 1), -np.inf)


def best_first(*keys: NDArray[np.float64]) -> NDArray[np.int64]:
    """The rows from best to worst: by the first key, ties by the next, and at last by the clips' names.

    >>> best_first(np.array([0.5, 1.0, 1.0]), np.array([0.0, -2.0, -1.0])).tolist()
    [2, 1, 0]
    """
    n = len(keys[0])
    return np.lexsort((np.arange(n), *(-key for key in reversed(keys)))).astype(np.int64)


def take(
    order: NDArray[np.int64],
    labels: NDArray[np.bool_],
    *,
    most: int | None = None,
    per_class: int | None = None,
    groups: Sequence[int] | NDArray[np.int64] | None = None,
) -> NDArray[np.bool_]:
    """Choose clips in an order, as long as there is room; [clips].

    Args:
        order: rows, the most wanted first.
        most: how many clips in all.
        per_class: how many clips with each label, in each group; a clip needs room for every one of its labels.
        groups: a number a clip; without it all clips are one group.

    >>> take(np.array([2, 0, 1]), np.array([[True], [True], [True]]), per_class=2).tolist()
    [True, False, True]
    """
    taken = np.zeros(len(labels), np.bool_)
    if per_class is None:
        taken[order[:most]] = True
        return taken
    group = np.zeros(len(labels), np.int64) if groups is None else np.unique(groups, return_inverse=True)[1]
    room = np.full((int(group.max(initial=0)) + 1, labels.shape[1]), per_class)
    for row in order:
        if most is not None and taken.sum() >= most:
            break
        wanted = labels[row]
        if (room[group[row]][wanted] > 0).all():
            room[group[row]] -= wanted
            taken[row] = True
    return taken


def threshold_for(p: NDArray[np.float64], expected: float, n_points: int = 10_000) -> float:
    """The threshold of chances that leaves about ``expected`` classes a clip.

    As Akhmetov's relabelling scans it: evenly spaced points of [0, 1], the first whose mean number of classes above it
    is nearest.

    >>> p = np.array([[0.9, 0.2], [0.6, 0.1]])
    >>> 0.2 <= threshold_for(p, 1.0) < 0.6
    True
    """
    points = np.linspace(0, 1, n_points)
    above = p.size - np.searchsorted(np.sort(p, axis=None), points, side="right")
    return float(points[np.argmin(np.abs(above / len(p) - expected))])


def logits(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log-odds of chances, finite also for those that are certain."""
    clipped = np.clip(p, TINY, 1 - TINY)
    return np.log(clipped) - np.log1p(-clipped)


def chances(z: NDArray[np.float64]) -> NDArray[np.float64]:
    """Chances of log-odds."""
    return np.asarray(expit(z), dtype=np.float64)
