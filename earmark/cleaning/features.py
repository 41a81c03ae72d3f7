"""What the combination of rules looks at, for each (clip, class).

The same numbers are worked out of trusted clips, where it is learnt what they are worth, and of doubtful ones, where
that is used. Doubtful clips are often recorded otherwise than trusted ones, and models are shyer on them: the same
number means another thing there. So numbers are measured in standard deviations of the clips that they come from, over
all classes, whatever labels were given: how many of these are wrong plays no part.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from earmark.cleaning.calibration import Calibration
from earmark.cleaning.case import Case
from earmark.cleaning.nearest_trusted import Near
from earmark.cleaning.ranks import chances, logits

_FLOOR = 0.02


class Features(NamedTuple):
    """Numbers by which to judge."""

    numbers: NDArray[np.float64]
    """[clips, classes, numbers]: the log-odds, the log of the rank, of the neighbourhood (where there are embeddings)
    the log-odds, and whether the clip was given several labels: chances are lower where several things sound."""
    spread: float
    """One standard deviation of the first number, in natural units."""
    p: NDArray[np.float64]
    """[clips, classes]: the chances behind it, by all models together."""
    sure: float
    """The chance of a clip's first class on average, each model by itself: among several, disagreement lowers it."""


def features(case: Case, maps: Sequence[Calibration], around: Near | None) -> Features:
    """The features of every clip, as the mean over all single models that have a say about it.

    Args:
        maps: what makes each guess honest.
        around: what lies near, where there are embeddings.
    """
    heard = [logits(made(p)) for made, guess in zip(maps, case.guesses, strict=True) for p in guess.heard]
    z = _mean(heard)
    numbers = [z, _mean(map(_log_ranks, heard))]
    if around is not None:
        numbers.append(np.log(around.share + _FLOOR) - np.log(1 - around.share + _FLOOR))
    spreads = [float(each.std()) if each.std() > 1e-9 else 1.0 for each in numbers]
    scaled = [(each - each.mean()) / spread for each, spread in zip(numbers, spreads, strict=True)]
    several = np.broadcast_to(case.labels.sum(axis=1, keepdims=True) > 1, z.shape).astype(np.float64)
    sure = float(np.nanmean([chances(each).max(axis=1) for each in heard]))
    return Features(np.stack([*scaled, several], axis=2), spreads[0], chances(z), sure)


def _mean(parts: Iterable[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Over the models, those that have no say left out; one after another, for there may be many."""
    total, n = np.zeros(()), np.zeros(())
    for part in parts:
        has = ~np.isnan(part)
        total, n = total + np.where(has, part, 0.0), n + has
    return np.asarray(total / n, dtype=np.float64)


def _log_ranks(z: NDArray[np.float64]) -> NDArray[np.float64]:
    """The log of each class's rank in its clip, equal scores taking the better one, without a cube in memory."""
    falling = np.sort(-z, axis=1)
    ranks = [np.searchsorted(row, -values) + 1.0 for row, values in zip(falling, z, strict=True)]
    return np.where(np.isnan(z), np.nan, np.log(np.stack(ranks)))
