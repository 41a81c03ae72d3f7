"""Small logistic models over features: learnt on spoiled trusted labels, or on the doubtful labels themselves.

Doubtful clips are often recorded otherwise than trusted ones, and models are shyer on them: the same number means
another thing there. So features are measured in standard deviations of the clips that they come from, the spoiled ones
where a model learns and the doubtful ones where it is used. What is learnt then speaks of order and shape, and how
common errors are is taken to be as among the spoiled clips.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from earmark.cleaning.features import Features
from earmark.cleaning.ranks import chances
from earmark.cleaning.synthetic import Spoiled

_MOST_ROWS = 200_000
_CERTAIN = 20.0
_BELIEF_IN_STRANGERS = 0.5
"""A class that is forgotten makes other strangers than those among doubtful clips: half of the log-odds is believed."""


class Odds(NamedTuple):
    """Log-odds."""

    right: NDArray[np.float64]
    """[clips, classes]: that a given label is right; meaningless where none was given."""
    there: NDArray[np.float64]
    """[clips, classes]: that a class is there which was not given; meaningless elsewhere."""
    stranger: NDArray[np.float64]
    """[clips]: that a clip none of whose given labels is right holds none of the classes."""


class Learnt(NamedTuple):
    """Three models."""

    right: Logistic
    there: Logistic
    stranger: Logistic

    @classmethod
    def of(cls, lesson: Spoiled, made: Features) -> Learnt:
        """Learn from clips with spoiled labels."""
        given, truth = lesson.case.labels, lesson.truth
        forgets = np.flatnonzero(lesson.case.hidden >= 0)
        unsaid = ~given
        unsaid[forgets, lesson.case.hidden[forgets]] = False
        none_right = (truth & given).sum(axis=1) == 0
        return cls(
            Logistic.of(_scaled(made.cells[given]), truth[given]),
            Logistic.of(_scaled(made.cells[unsaid]), truth[unsaid]),
            Logistic.of(_scaled(made.clips[none_right]), lesson.out[none_right]),
        )

    def __call__(self, made: Features, given: NDArray[np.bool_]) -> Odds:
        """What the models say of doubtful clips with these given labels."""
        right, there = np.zeros(given.shape), np.zeros(given.shape)
        right[given] = self.right(_scaled(made.cells[given]))
        there[~given] = self.there(_scaled(made.cells[~given]))
        return Odds(right, there, _BELIEF_IN_STRANGERS * self.stranger(_scaled(made.clips)))


class Logistic(NamedTuple):
    """A logistic model of some features; without weights a constant, where there was but one answer."""

    weights: NDArray[np.float64]
    shift: float

    @classmethod
    def of(
        cls, rows: NDArray[np.float64], said: NDArray[np.bool_], weights: NDArray[np.float64] | None = None
    ) -> Logistic:
        """Fit [rows, features] to answers; of very many rows without the answer every n-th serves for the others."""
        n = rows.shape[1]
        if said.all() or not said.any():
            return cls(np.zeros(n), _CERTAIN if len(said) and said.all() else -_CERTAIN)
        weights = np.ones(len(rows)) if weights is None else weights
        step = -(-len(rows) // _MOST_ROWS)
        rest = np.flatnonzero(~said)
        picked = np.concatenate([np.flatnonzero(said), rest[::step]])
        weights = np.where(said, weights, weights * len(rest) / len(rest[::step]))[picked]
        fitted = LogisticRegression(max_iter=1000).fit(rows[picked], said[picked], sample_weight=weights)
        return cls(fitted.coef_[0].astype(np.float64), float(fitted.intercept_[0]))

    def __call__(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Log-odds of [rows, features]."""
        return np.asarray(rows @ self.weights + self.shift, dtype=np.float64)


def contrast(made: Features, given: NDArray[np.bool_]) -> NDArray[np.float64]:
    """How much more a label looks like those that were given than like those of other clips, [clips, classes].

    Given labels are right ones among wrong ones, the labels of other clips nearly all wrong: what tells the two apart
    tells right from wrong, on the doubtful clips themselves and without anybody's truth. Every class that a clip was
    not given stands for the other clips' labels, as often as it was given on the whole. Log-odds; only their order
    counts.
    """
    cells = made.cells.reshape(-1, made.cells.shape[2])
    scaled = _scaled(cells)
    said = given.reshape(-1)
    common = np.broadcast_to(given.sum(axis=0).astype(np.float64), given.shape).reshape(-1)
    weights = np.where(said, 1.0, common)
    weights = np.where(said, 1.0, weights * said.sum() / max(float(weights[~said].sum()), 1e-12))
    return Logistic.of(scaled, said, weights)(scaled).reshape(given.shape)


def blended(odds: NDArray[np.float64], order: NDArray[np.float64], share: float) -> NDArray[np.float64]:
    """Log-odds [any] with a share of an opinion that knows an order only: it is brought to their mean and spread."""
    spread = float(order.std())
    if not share or not spread:
        return odds
    brought = (order - order.mean()) / spread * odds.std() + odds.mean()
    return np.asarray((1 - share) * odds + share * brought, dtype=np.float64)


def p_none_right(right: NDArray[np.float64], given: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The chance that no given label of a clip is right, [clips]; 1 without labels."""
    return np.asarray(np.where(given, 1 - chances(right), 1.0).prod(axis=1), dtype=np.float64)


def _scaled(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Features in standard deviations from their mean."""
    if not len(rows):
        return rows
    spread = rows.std(axis=0)
    return np.asarray((rows - rows.mean(axis=0)) / np.where(spread > 1e-12, spread, 1.0), dtype=np.float64)
