"""What the combination of rules looks at, for each (clip, class) and for each clip.

The same numbers are worked out of single models on trusted clips with spoiled labels, where a combination is learnt,
and of each single model on doubtful clips, where it is used.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from earmark.cleaning.case import Case
from earmark.cleaning.nearest_trusted import Near
from earmark.cleaning.ranks import logits

_FLOOR = 0.02


class Features(NamedTuple):
    """Numbers by which to judge."""

    cells: NDArray[np.float64]
    """[clips, classes, numbers]"""
    clips: NDArray[np.float64]
    """[clips, numbers]"""


def features(case: Case, p: NDArray[np.float64], honest: NDArray[np.float64], around: Near | None) -> Features:
    """The features of every clip by one model.

    Args:
        p: [clips, classes], the model's chances.
        honest: the same, calibrated.
        around: what lies near, where there are embeddings.

    Of a cell: the calibrated log-odds, the lead over the best other class, the log of its rank, how much the clip looks
    like any class at all, and of its neighbourhood the log-odds of the class and the distance. Of a clip: the log-odds
    of its best class, the joint energy, the lead of the best over the second, the best of its given labels, and of its
    neighbourhood the distance and the log-odds of the best class.
    """
    z, own = logits(p), logits(honest)
    falling = -np.sort(-z, axis=1)
    best, second = falling[:, :1], falling[:, 1:2] if z.shape[1] > 1 else falling[:, :1]
    lead = z - np.where(z >= best, second, best)
    rank = _log_rank(z)
    energy = np.logaddexp(0, own).sum(axis=1)
    cells = [own, lead, rank, np.broadcast_to(own.max(axis=1)[:, None], z.shape)]
    given = np.where(case.labels, own, -np.inf).max(axis=1)
    given = np.where(np.isfinite(given), given, own.min(axis=1))
    clips = [own.max(axis=1), energy, (best - second)[:, 0], given]
    if around is not None:
        share = np.log(around.share + _FLOOR) - np.log(1 - around.share + _FLOOR)
        cells += [share, np.broadcast_to(around.distance[:, None], z.shape)]
        clips += [around.distance, share.max(axis=1)]
    return Features(np.stack(cells, axis=2), np.stack(clips, axis=1))


def _log_rank(z: NDArray[np.float64]) -> NDArray[np.float64]:
    """The log of each class's rank in its clip, equal scores taking the better one, without a cube in memory."""
    falling = np.sort(-z, axis=1)
    ranks = [np.searchsorted(row, -values) + 1.0 for row, values in zip(falling, z, strict=True)]
    return np.asarray(np.log(np.stack(ranks)), dtype=np.float64)
