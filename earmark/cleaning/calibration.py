"""From what a model says to how often it is right: learnt on trusted clips that the model did not learn from.

A class with enough labels of its own has a map of its own; the others share one over all classes. The maps never turn
the order of chances round. They are made where labels are right; on doubtful clips, recorded otherwise, models are
usually less sure than they should be, and so are these chances.
"""

from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from earmark.cleaning.case import Case
from earmark.cleaning.ranks import chances, logits
from earmark.core.settings import Settings


class Map(Protocol):
    """From log-odds to chances, [any]."""

    def __call__(self, z: NDArray[np.float64]) -> NDArray[np.float64]: ...


class CalibrationSettings(Settings):
    """How chances are made honest."""

    method: Literal["platt", "isotonic"] = "platt"
    """Platt (1999) scales and shifts log-odds; isotonic regression takes any rising map, and needs more labels."""
    least_labels: int = Field(20, ge=2)
    """A class with fewer trusted labels than this shares the map over all classes."""

    def __call__(self, p: NDArray[np.float64], labels: NDArray[np.bool_], known: NDArray[np.bool_]) -> "Calibration":
        """Learn from held-out chances [clips, classes] and right labels.

        Where there is nothing to learn from (no label, or nothing but labels) chances stay as they are.
        """
        z = logits(p)
        pooled = self._fit(z[known], labels[known])
        own: dict[int, Map] = {}
        for column in range(labels.shape[1]):
            rows = known[:, column]
            said = labels[rows, column]
            if min(said.sum(), (~said).sum()) >= self.least_labels:
                made = self._fit(z[rows, column], said)
                if made is not None:
                    own[column] = made
        return Calibration(pooled, own)

    def _fit(self, z: NDArray[np.float64], said: NDArray[np.bool_]) -> Map | None:
        if said.all() or not said.any():
            return None
        if self.method == "isotonic":
            return _Isotonic.of(z, said)
        return _Platt.of(z, said)


@dataclass(frozen=True)
class Calibration:
    """Maps by class."""

    pooled: Map | None = None
    own: dict[int, Map] = field(default_factory=dict)

    @property
    def is_learnt(self) -> bool:
        """Whether there was anything to learn from."""
        return self.pooled is not None

    def __call__(self, p: NDArray[np.float64]) -> NDArray[np.float64]:
        """Honest chances for chances as the model has them, [..., classes]."""
        z = logits(p)
        found = np.array(p, dtype=np.float64) if self.pooled is None else self.pooled(z)
        for column, made in self.own.items():
            found[..., column] = made(z[..., column])
        return found


@dataclass(frozen=True)
class _Platt:
    slope: float
    shift: float

    @classmethod
    def of(cls, z: NDArray[np.float64], said: NDArray[np.bool_]) -> "_Platt | None":
        fitted = LogisticRegression(C=100.0, max_iter=1000).fit(z[:, None], said)
        slope = float(fitted.coef_[0, 0])
        return cls(slope, float(fitted.intercept_[0])) if slope > 0 else None

    def __call__(self, z: NDArray[np.float64]) -> NDArray[np.float64]:
        return chances(self.slope * z + self.shift)


@dataclass(frozen=True)
class _Isotonic:
    fitted: IsotonicRegression
    edge: float
    """No chance is nearer to 0 or 1 than one label among all clips would be."""

    @classmethod
    def of(cls, z: NDArray[np.float64], said: NDArray[np.bool_]) -> "_Isotonic":
        fitted = IsotonicRegression(out_of_bounds="clip").fit(z, said.astype(np.float64))
        return cls(fitted, 1 / (len(z) + 2))

    def __call__(self, z: NDArray[np.float64]) -> NDArray[np.float64]:
        found = self.fitted.predict(z.reshape(-1)).reshape(z.shape)
        return np.asarray(np.clip(found, self.edge, 1 - self.edge), dtype=np.float64)


def calibrations(case: Case, settings: CalibrationSettings) -> tuple[Calibration, ...]:
    """One for each guess, learnt from the trusted clips that were guessed out of fold; empty where there are none."""
    found = []
    for guess in case.guesses:
        rows = ~np.isnan(guess.trusted_p).any(axis=1)
        labels, known = case.trusted_labels[rows], case.trusted_known[rows]
        found.append(settings(guess.trusted_p[rows], labels, known) if rows.any() else Calibration())
    return tuple(found)


def calibrated(case: Case, settings: CalibrationSettings) -> NDArray[np.float64] | None:
    """Honest chances of every (clip, class); none without a guess.

    A trusted clip is held out by one model and a doubtful one perhaps by five, whose mean is shyer than each of them:
    so every single model's chances go through the map, and the mean is taken after that.
    """
    if not case.guesses:
        return None
    maps = calibrations(case, settings)
    pairs = [(made, member) for made, guess in zip(maps, case.guesses, strict=True) for member in guess.members]
    found: NDArray[np.float64] = np.nanmean(np.stack([_of_known(made, member) for made, member in pairs]), axis=0)
    return found


def _of_known(made: Calibration, p: NDArray[np.float64]) -> NDArray[np.float64]:
    """The honest chances of the clips that a model has a say about, NaN for the others."""
    found = np.full_like(p, np.nan)
    rows = ~np.isnan(p).any(axis=1)
    found[rows] = made(p[rows])
    return found
