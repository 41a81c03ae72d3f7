"""How far a result could have come out otherwise: intervals by drawing the clips again (percentile bootstrap).

A resample draws as many clips as there are, with replacement, and scores them; the interval holds the middle ``level``
of the resampled results. It speaks of other clips of the same kind, not of other trainings. Clips that were cut from
one recording are not independent: with ``groups`` whole groups are drawn instead. Resamples that hold no label have no
result and are left out. The same seed gives the same numbers; arrays are [clips, classes] as everywhere here.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64, Int
from numpy.typing import ArrayLike

from earmark.core.errors import DataError, SettingsError
from earmark.metrics.lwlrap import LwlrapSums, Ties, scattered_precisions
from earmark.metrics.ranking import checked

# Resamples are drawn in blocks of about this many clips, which bounds the memory.
BLOCK_DRAWS = 1 << 20


class Interval(NamedTuple):
    """A result with the ends of its interval."""

    value: float
    low: float
    high: float


class ClassIntervals(NamedTuple):
    """One interval a class; all NaN for a class without labels, ends NaN where all its labels lie in one clip or group.

    With a single clip to draw from, every resample says the same, which must not be read as certainty.
    """

    value: Float64[np.ndarray, " classes"]
    low: Float64[np.ndarray, " classes"]
    high: Float64[np.ndarray, " classes"]


class Difference(NamedTuple):
    """How much better b is than a on the same clips, with the ends of the interval.

    ``p_b_better`` is the share of resamples in which b is ahead, equal ones counting half: 0.5 says nothing either way.
    """

    value: float
    low: float
    high: float
    p_b_better: float


def lwlrap_interval(
    truth: ArrayLike,
    scores: ArrayLike,
    *,
    ties: Ties = "reference",
    known: ArrayLike | None = None,
    groups: Sequence[Hashable] | None = None,
    n_resamples: int = 2000,
    level: float = 0.95,
    seed: int,
) -> Interval:
    """lwlrap with its bootstrap interval.

    Args:
        truth, scores, ties, known: as in `lwlrap`.
        groups: one name a clip; clips of one name are drawn together. None: every clip by itself.
        n_resamples: how often to draw; 2000 settles the ends of a 95 % interval to about a tenth of its width.
        level: the share of resamples inside the interval, in (0, 1).
        seed: not negative.

    Raises:
        DataError: as in `lwlrap`, or fewer than two clips or groups to draw from.
        SettingsError: n_resamples, level or seed have no meaning.
    """
    operands = checked(truth, scores, known)
    precisions = scattered_precisions(operands, ties)
    value = LwlrapSums(precisions.sum(axis=0), operands.labels.sum(axis=0)).value
    columns = np.stack([precisions.sum(axis=1), operands.labels.sum(axis=1)], axis=1)
    sums = _resampled_sums(columns, groups, n_resamples, seed)
    return Interval(value, *_ends(_ratio(sums[:, 0], sums[:, 1]), level))


def lwlrap_class_intervals(
    truth: ArrayLike,
    scores: ArrayLike,
    *,
    ties: Ties = "reference",
    known: ArrayLike | None = None,
    groups: Sequence[Hashable] | None = None,
    n_resamples: int = 2000,
    level: float = 0.95,
    seed: int,
) -> ClassIntervals:
    """The mean precision at the labels of each class with its bootstrap interval; arguments as in `lwlrap_interval`.

    Raises as `lwlrap_interval`, but no label at all is fine and gives NaN.
    """
    operands = checked(truth, scores, known)
    n_classes = operands.labels.shape[1]
    precisions, counts = scattered_precisions(operands, ties), operands.labels.astype(np.float64)
    value = LwlrapSums(precisions.sum(axis=0), operands.labels.sum(axis=0)).per_class
    sums = _resampled_sums(np.concatenate([precisions, counts], axis=1), groups, n_resamples, seed)
    resampled = _ratio(sums[:, :n_classes], sums[:, n_classes:])
    n_sources = (_sums_by_unit(counts, _unit_of_clips(groups, len(counts))) > 0).sum(axis=0)
    low, high = np.full(n_classes, np.nan), np.full(n_classes, np.nan)
    for column in np.flatnonzero(n_sources > 1):
        low[column], high[column] = _ends(resampled[:, column], level)
    return ClassIntervals(value, low, high)


def lwlrap_difference(
    truth: ArrayLike,
    scores_a: ArrayLike,
    scores_b: ArrayLike,
    *,
    ties: Ties = "reference",
    known: ArrayLike | None = None,
    groups: Sequence[Hashable] | None = None,
    n_resamples: int = 2000,
    level: float = 0.95,
    seed: int,
) -> Difference:
    """lwlrap of b minus lwlrap of a, each resample scoring both on the same clips.

    What makes a clip hard for both cancels, so that this sees differences which two separate intervals would hide.
    Arguments and errors as in `lwlrap_interval`; rows and columns of both score tables must mean the same.

    >>> truth, scores = np.eye(3), np.array([[3, 2, 1], [1, 3, 2], [3, 2, 1]])
    >>> lwlrap_difference(truth, scores, scores, seed=0)
    Difference(value=0.0, low=0.0, high=0.0, p_b_better=0.5)
    """
    operands = checked(truth, scores_a, known)
    precisions_a = scattered_precisions(operands, ties)
    precisions_b = scattered_precisions(checked(truth, scores_b, known), ties)
    gain = precisions_b - precisions_a
    value = LwlrapSums(gain.sum(axis=0), operands.labels.sum(axis=0)).value
    columns = np.stack([gain.sum(axis=1), operands.labels.sum(axis=1)], axis=1)
    sums = _resampled_sums(columns, groups, n_resamples, seed)
    gains = _ratio(sums[:, 0], sums[:, 1])
    return Difference(value, *_ends(gains, level), _p_ahead(gains))


def bootstrap_interval(
    statistic: Callable[[Int[np.ndarray, " drawn"]], float],
    n_clips: int,
    *,
    groups: Sequence[Hashable] | None = None,
    n_resamples: int = 2000,
    level: float = 0.95,
    seed: int,
) -> Interval:
    """Any statistic of a selection of clips with its bootstrap interval.

    Args:
        statistic: takes the row numbers of the clips drawn, of which some repeat, and returns the result; NaN or a
            DataError says that this selection has none.
        n_clips: how many clips there are.
        groups, n_resamples, level, seed: as in `lwlrap_interval`.

    Raises:
        DataError: fewer than two clips or groups to draw from, no result on all clips, or none on most resamples.
        SettingsError: n_resamples, level or seed have no meaning.

    >>> heights = np.array([1.5, 1.6, 1.7, 1.8])
    >>> interval = bootstrap_interval(lambda drawn: heights[drawn].mean(), n_clips=4, seed=0)
    >>> interval.low < interval.value < interval.high
    True
    """
    value, resampled = _evaluated(statistic, n_clips, groups, n_resamples, seed)
    return Interval(value, *_ends(resampled, level))


def bootstrap_difference(
    statistic_a: Callable[[Int[np.ndarray, " drawn"]], float],
    statistic_b: Callable[[Int[np.ndarray, " drawn"]], float],
    n_clips: int,
    *,
    groups: Sequence[Hashable] | None = None,
    n_resamples: int = 2000,
    level: float = 0.95,
    seed: int,
) -> Difference:
    """Statistic b minus statistic a on the same resamples; arguments and errors as in `bootstrap_interval`."""
    value, gains = _evaluated(lambda drawn: statistic_b(drawn) - statistic_a(drawn), n_clips, groups, n_resamples, seed)
    return Difference(value, *_ends(gains, level), _p_ahead(gains))


def _evaluated(
    statistic: Callable[[Int[np.ndarray, " drawn"]], float],
    n_clips: int,
    groups: Sequence[Hashable] | None,
    n_resamples: int,
    seed: int,
) -> tuple[float, Float64[np.ndarray, " resamples"]]:
    value = float(statistic(np.arange(n_clips)))
    if not np.isfinite(value):
        raise DataError(f"the statistic must be a finite number on all {n_clips} clips, but it is {value}; check it")
    unit_of_clip = _unit_of_clips(groups, n_clips)
    n_units = int(unit_of_clip.max(initial=-1)) + 1
    members = np.split(np.argsort(unit_of_clip, kind="stable"), np.cumsum(np.bincount(unit_of_clip))[:-1])
    results: list[float] = []
    for block in _draws(n_units, n_resamples, seed):
        for units in block:
            drawn = units if groups is None else np.concatenate([members[unit] for unit in units])
            try:
                results.append(float(statistic(drawn)))
            except DataError:
                results.append(float("nan"))
    return value, np.array(results)


def _resampled_sums(
    columns: Float64[np.ndarray, "clips columns"], groups: Sequence[Hashable] | None, n_resamples: int, seed: int
) -> Float64[np.ndarray, "resamples columns"]:
    by_unit = _sums_by_unit(columns, _unit_of_clips(groups, len(columns)))
    n_units = len(by_unit)
    blocks = []
    for block in _draws(n_units, n_resamples, seed):
        # How often each unit was drawn in each resample, counted in one pass: resample r counts from r * n_units on.
        numbered = block + n_units * np.arange(len(block))[:, None]
        times = np.bincount(numbered.ravel(), minlength=block.size).reshape(block.shape)
        blocks.append(times.astype(np.float64) @ by_unit)
    return np.concatenate(blocks)


def _draws(n_units: int, n_resamples: int, seed: int) -> Iterator[Int[np.ndarray, "resamples units"]]:
    if n_resamples < 1 or seed < 0:
        raise SettingsError(
            f"at least 1 resample and a seed not below 0 were wanted, but they are {n_resamples} and {seed}; change them"
        )
    if n_units < 2:
        raise DataError(
            f"an interval needs at least 2 clips or groups to draw from, but there are {n_units}; "
            "report the value without an interval"
        )
    rng = np.random.default_rng(seed)
    n_rows = max(1, BLOCK_DRAWS // n_units)
    for first in range(0, n_resamples, n_rows):
        yield rng.integers(n_units, size=(min(n_rows, n_resamples - first), n_units))


def _unit_of_clips(groups: Sequence[Hashable] | None, n_clips: int) -> Int[np.ndarray, " clips"]:
    """The number of the clip's group, counted in order of first appearance."""
    if groups is None:
        return np.arange(n_clips)
    names = list(groups)
    if len(names) != n_clips:
        raise DataError(f"one group a clip was wanted for {n_clips} clips, but {len(names)} came; align them first")
    missing = sum(name is None or name != name for name in names)
    if missing:
        raise DataError(
            f"every clip needs a group, but {missing} of {n_clips} have none; give each of them a name of its own"
        )
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(name, len(numbers)) for name in names], dtype=np.int64)


def _sums_by_unit(
    columns: Float64[np.ndarray, "clips columns"], unit_of_clip: Int[np.ndarray, " clips"]
) -> Float64[np.ndarray, "units columns"]:
    sums = np.zeros((int(unit_of_clip.max(initial=-1)) + 1, columns.shape[1]))
    np.add.at(sums, unit_of_clip, columns)
    return sums


def _ratio(sums: np.ndarray, counts: np.ndarray) -> Float64[np.ndarray, "..."]:
    return np.divide(sums, counts, out=np.full(sums.shape, np.nan), where=counts > 0)


def _ends(resampled: Float64[np.ndarray, " resamples"], level: float) -> tuple[float, float]:
    if not 0 < level < 1:
        raise SettingsError(f"level must lie between 0 and 1, but it is {level}; 0.95 is usual")
    defined = resampled[~np.isnan(resampled)]
    if 2 * len(defined) < len(resampled):
        raise DataError(
            f"most resamples must have a result, but only {len(defined)} of {len(resampled)} have one; "
            "there are too few labels for an interval"
        )
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _p_ahead(gains: Float64[np.ndarray, " resamples"]) -> float:
    defined = gains[~np.isnan(gains)]
    return float((defined > 0).mean() + 0.5 * (defined == 0).mean())
