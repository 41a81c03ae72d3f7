"""What lies near a clip among the trusted ones, in the spaces of one or more networks.

Vectors are moved so that each side, doubtful and trusted, has its mean at zero (the two are often recorded in different
ways), and compared by cosine.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from earmark.cleaning.case import Case, Space

_ROWS = 1024


class Near(NamedTuple):
    """The neighbourhood of each doubtful clip."""

    share: NDArray[np.float64]
    """[clips, classes]: the share of the nearest trusted clips that have the label, nearer ones counting more."""
    distance: NDArray[np.float64]
    """[clips]: the mean distance to them, 0 to 2."""


def near(case: Case, k: int, softness: float = 0.1) -> Near:
    """Look around every doubtful clip, in each space, and take the mean.

    A clip that is itself trusted (see `Case.places`) does not see itself nor anything of its own fold, and only looks
    around in a space whose network never saw it, where there is one.

    Args:
        k: how many neighbours.
        softness: a neighbour that is further away by this much of cosine counts less by the factor e.
    """
    shares = np.zeros((len(case), len(case.classes)))
    distances, n_spaces = np.zeros(len(case)), np.zeros(len(case))
    own = np.where(case.places >= 0, case.trusted_folds[case.places], -1)
    for space in case.spaces:
        rows = _rows_for(case, space, own)
        if len(rows):
            found = _near_in(case, space, rows, own, k, softness)
            shares[rows] += found.share
            distances[rows] += found.distance
            n_spaces[rows] += 1
    n_spaces = np.maximum(n_spaces, 1)
    return Near(shares / n_spaces[:, None], distances / n_spaces)


def _rows_for(case: Case, space: Space, own: NDArray[np.int64]) -> NDArray[np.int64]:
    """The clips that look around in a space."""
    told = {each.fold for each in case.spaces}
    has_vector = ~np.isnan(space.doubtful[:, 0])
    ours = (case.places < 0) | (own < 0) | (own == space.fold) | ~np.isin(own, [f for f in told if f is not None])
    return np.flatnonzero(has_vector & ours)


def _near_in(
    case: Case, space: Space, rows: NDArray[np.int64], own: NDArray[np.int64], k: int, softness: float
) -> Near:
    there = np.flatnonzero(~np.isnan(space.trusted[:, 0]))
    trusted = _directions(space.trusted[there])
    doubtful = _directions(space.doubtful[rows])
    labels = (case.trusted_labels & case.trusted_known)[there].astype(np.float64)
    folds = case.trusted_folds[there]
    share, distance = np.zeros((len(rows), labels.shape[1])), np.zeros(len(rows))
    for start in range(0, len(rows), _ROWS):
        block = slice(start, start + _ROWS)
        clips = rows[block]
        cosine = doubtful[block] @ trusted.T
        barred = (case.places[clips, None] == there) | ((own[clips, None] == folds) & (own[clips, None] >= 0))
        cosine[barred] = -np.inf
        n = min(k, len(there))
        nearest = np.argsort(-cosine, axis=1, kind="stable")[:, :n]
        close = np.take_along_axis(cosine, nearest, axis=1)
        counts = np.isfinite(close)
        weights = np.where(counts, np.exp((np.where(counts, close, 0) - close[:, :1].clip(-1, 1)) / softness), 0.0)
        total = weights.sum(axis=1, keepdims=True)
        weights /= np.where(total > 0, total, 1)
        share[block] = np.einsum("nk,nkc->nc", weights, labels[nearest])
        distance[block] = np.where(counts, 1 - np.where(counts, close, 0), 2.0).mean(axis=1)
    return Near(share, distance)


def _directions(vectors: NDArray[np.float32]) -> NDArray[np.float64]:
    moved = vectors.astype(np.float64) - vectors.mean(axis=0, dtype=np.float64)
    length = np.linalg.norm(moved, axis=1, keepdims=True)
    return np.asarray(moved / np.where(length > 0, length, 1), dtype=np.float64)
