"""Drawing clips again: which ones, and what sums and statistics of them come out.

A unit is what is drawn as a whole: a clip, or a group of clips that belong together. Units are numbered from 0; each
resample draws as many units as there are, with replacement.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int

from earmark.core.errors import DataError, SettingsError
from earmark.metrics.ranking import mean_where_any

# Resamples are drawn in blocks of about this many units, which bounds the memory.
BLOCK_DRAWS = 1 << 20


@dataclass(frozen=True, eq=False)
class Resampling:
    """How often clips are drawn again, from which units (clips, or whole groups of them), and what comes of it.

    Made by `resampling_of`, which checks the numbers.
    """

    unit_of_clip: Int[np.ndarray, " clips"]
    n_units: int
    n_resamples: int
    level: float
    seed: int

    def draws(self) -> Iterator[Int[np.ndarray, "resamples units"]]:
        """The units drawn, in blocks of resamples; the same ones at every call."""
        rng = np.random.default_rng(self.seed)
        n_rows = max(1, BLOCK_DRAWS // self.n_units)
        for first in range(0, self.n_resamples, n_rows):
            yield rng.integers(self.n_units, size=(min(n_rows, self.n_resamples - first), self.n_units))

    def by_unit(self, columns: np.ndarray) -> Float64[np.ndarray, "units columns"]:
        """The sum of each column [clips, columns] over the clips of each unit."""
        sums = np.zeros((self.n_units, columns.shape[1]))
        np.add.at(sums, self.unit_of_clip, columns)
        return sums

    def sums(self, columns: np.ndarray) -> Float64[np.ndarray, "resamples columns"]:
        """The sum of each column over the clips of each resample."""
        by_unit = self.by_unit(columns)
        blocks = []
        for block in self.draws():
            # How often each unit was drawn in each resample, all in one pass: resample r counts from r * n_units on.
            numbered = block + self.n_units * np.arange(len(block))[:, None]
            times = np.bincount(numbered.ravel(), minlength=block.size).reshape(block.shape)
            blocks.append(times.astype(np.float64) @ by_unit)
        return np.concatenate(blocks)

    def means(self, precisions: np.ndarray, labels: np.ndarray) -> Float64[np.ndarray, " resamples"]:
        """The mean over all labels of the clips of each resample; NaN where there are none."""
        sums = self.sums(np.stack([precisions.sum(axis=1), labels.sum(axis=1)], axis=1))
        return mean_where_any(sums[:, 0], sums[:, 1])

    def results(
        self, statistic: Callable[[Int[np.ndarray, " drawn"]], float]
    ) -> tuple[float, Float64[np.ndarray, " resamples"]]:
        """The statistic on all clips and on each resample, NaN where a resample has none."""
        n_clips = len(self.unit_of_clip)
        value = float(statistic(np.arange(n_clips)))
        if not np.isfinite(value):
            raise DataError(f"a statistic must be a finite number on all {n_clips} clips, but it is {value}; check it")
        n_members = np.bincount(self.unit_of_clip, minlength=self.n_units)
        members = np.split(np.argsort(self.unit_of_clip, kind="stable"), np.cumsum(n_members)[:-1])
        results: list[float] = []
        for units in (row for block in self.draws() for row in block):
            drawn = units if n_clips == self.n_units else np.concatenate([members[unit] for unit in units])
            try:
                results.append(float(statistic(drawn)))
            except DataError:
                results.append(np.nan)
        return value, np.array(results)

    def ends(self, resampled: Float64[np.ndarray, " resamples"]) -> tuple[float, float]:
        """The ends of the middle ``level`` of the results. Raises DataError where most resamples have none."""
        defined = resampled[~np.isnan(resampled)]
        if 2 * len(defined) < len(resampled):
            raise DataError(
                f"most resamples must have a result, but only {len(defined)} of {len(resampled)} have one; "
                "there are too few labels for an interval, so report the value without it"
            )
        low, high = np.quantile(defined, [(1 - self.level) / 2, (1 + self.level) / 2])
        return float(low), float(high)


def resampling_of(
    n_clips: int, groups: Sequence[Hashable] | None, n_resamples: int, level: float, seed: int
) -> Resampling:
    """The resampling that these arguments of `lwlrap_interval` ask for; raises as it does."""
    if n_resamples < 1 or seed < 0 or not 0 < level < 1:
        raise SettingsError(
            "an interval wants n_resamples of at least 1, a level between 0 and 1 and a seed not below 0, "
            f"but they are {n_resamples}, {level} and {seed}; change what is out of range"
        )
    unit_of_clip = np.arange(n_clips) if groups is None else _numbered(list(groups), n_clips)
    n_units = int(unit_of_clip.max(initial=-1)) + 1
    if n_units < 2:
        raise DataError(
            f"an interval needs at least 2 {'clips' if groups is None else 'groups'} to draw from, but got {n_units}; "
            "report the value without an interval"
        )
    return Resampling(unit_of_clip, n_units, n_resamples, level, seed)


def _numbered(groups: Sequence[Hashable], n_clips: int) -> Int[np.ndarray, " clips"]:
    """The number of each clip's group, counted in order of first appearance."""
    if len(groups) != n_clips:
        raise DataError(f"one group a clip was wanted for {n_clips} clips, but {len(groups)} came; align them first")
    n_missing = sum(name is None or name != name for name in groups)
    if n_missing:
        raise DataError(
            f"every clip needs a group, but {n_missing} of {n_clips} have none; give each of them a name of its own"
        )
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(name, len(numbers)) for name in groups], dtype=np.int64)
