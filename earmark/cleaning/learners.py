"""How likely labels are right: the worth of evidence is learnt on trusted clips, how common mistakes are on others.

Two things are known without anybody's truth about doubtful clips. What tells a right label from a wrong one can be
learnt on trusted clips, whose labels are right, and whose other classes stand in for wrong ones. And what wrong labels
look like can be seen on the doubtful clips themselves: much like classes that they were not given. So the given labels
are a mixture of two kinds, of which one is known and the other differs from it by a known law, and the share of either
comes out by expectation and maximisation, as class frequencies do in Saerens, Latinne & Decaestecker, "Adjusting the
outputs of a classifier to new a priori probabilities", 2002. The evidence is taken at its trusted worth, or at less
where models hear less; only its zero is found anew.

What cannot be told from such numbers is a right label of which the models hear nothing from a wrong one. So the share
of wrong ones comes out too large where doubtful clips sound unlike anything that was learnt.

Everything is in natural logarithms of odds, [clips, classes] or [clips].
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from earmark.cleaning.features import Features
from earmark.cleaning.ranks import chances, logits

_RIDGE = 1.0
_USUAL, _SEEN = 0.7, 30
"""The share of right labels before anything is heard, and how many labels it is worth: evidence that says nothing
leaves it there, and some hundred labels with evidence overrule it."""
_ROUNDS = 200


class Settled(NamedTuple):
    """What the given labels of doubtful clips are believed to be worth."""

    evidence: NDArray[np.float64]
    """[clips, classes]: how much what was heard speaks for the class being there, against its being a mistake."""
    share: float
    """Of the given labels those that are right."""

    @property
    def right(self) -> NDArray[np.float64]:
        """[clips, classes]: that a label would be right, had it been given."""
        return self.evidence + logits(np.array(self.share))


class Others(NamedTuple):
    """What is there that nobody said."""

    there: NDArray[np.float64]
    """[clips, classes]: the chance that a class is there which was not given; 0 where it was."""
    none: NDArray[np.float64]
    """[clips]: the chance that none of the classes is there."""


def mistaken(
    belief: NDArray[np.float64], given: NDArray[np.bool_], p: NDArray[np.float64], confusable: float
) -> NDArray[np.float64]:
    """How much each (clip, class) that was not given stands for wrong labels, [clips, classes]; the sum is 1, or 0.

    Args:
        belief: [clips, classes], how likely each given label is right; 0 where none was given.
        p: [clips, classes], chances by the models.
        confusable: the share of mistakes that take a class for one that the models confuse with it; of the others, a
            class is as common as among the given labels.
    """
    alike = belief.T @ p
    np.fill_diagonal(alike, 0.0)
    alike /= np.maximum(alike.sum(axis=1, keepdims=True), 1e-12)
    common = given.sum(axis=0) / max(int(given.sum()), 1)
    weights = np.where(given, 0.0, belief @ (confusable * alike + (1 - confusable) * common))
    return np.asarray(weights / max(float(weights.sum()), 1e-12), dtype=np.float64)


def worth(made: Features, given: NDArray[np.bool_], known: NDArray[np.bool_], confusable: float) -> NDArray[np.float64]:
    """What each number is worth, [numbers], learnt on trusted clips; without any, log-odds are taken at their word.

    Labels that are there against known absent classes that mistakes would name, as a logistic model by Newton's method.
    The fewer labels there are, the nearer it stays to the models' word.
    """
    n = int(given.sum())
    anchor = np.zeros(made.numbers.shape[2] + 1)
    anchor[0] = made.spread
    weights = mistaken(given.astype(np.float64), given, made.p, confusable) * n * known
    others = weights > 0
    if not n or not others.any():
        return anchor[:-1]
    rows = np.concatenate([made.numbers[given], made.numbers[others]])
    rows = np.concatenate([rows, np.ones((len(rows), 1))], axis=1)
    said = np.arange(len(rows)) < n
    weights = np.concatenate([np.ones(n), weights[others]])
    ridge = np.append(np.full(len(anchor) - 1, _RIDGE), 1e-6)
    found = anchor.copy()
    for _ in range(_ROUNDS):
        q = chances(rows @ found)
        slope = rows.T @ (weights * (said - q)) - ridge * (found - anchor)
        bend = (rows * (weights * q * (1 - q))[:, None]).T @ rows + np.diag(ridge)
        step = np.linalg.solve(bend, slope)
        found += step / max(1.0, float(np.abs(step).max()))
        if np.abs(step).max() < 1e-6:
            break
    return found[:-1]


def clearness(made: Features, lesson: Features) -> float:
    """How much of its trusted worth evidence has on doubtful clips, 0 to 1; labels play no part.

    That much less sure are the models, on average, of the first class of a doubtful clip than of a trusted one's: who
    hears less tells less apart.
    """
    return min(1.0, made.sure / lesson.sure)


def settle(made: Features, given: NDArray[np.bool_], value: NDArray[np.float64], confusable: float) -> Settled:
    """Find the share of right ones among given labels, and the zero of the evidence.

    Args:
        value: what each number is worth, as trusted clips teach.

    In turn: given labels are right by their evidence and by the share; the zero is where given labels, as far as they
    are right, part from wrong ones and from those that mistakes would have named; the share is the mean of the chances.
    """
    evidence = made.numbers @ value
    n, zero, share = int(given.sum()), 0.0, _USUAL
    if not n:
        return Settled(evidence, share)
    ours = evidence[given]
    right = chances(ours + logits(np.array(share)))
    for _ in range(_ROUNDS):
        belief = np.zeros(given.shape)
        belief[given] = right
        wrong = mistaken(belief, given, made.p, confusable) * n
        others = wrong > 0
        if others.any():
            balance = np.log(right.sum()) - np.log((1 - right).sum() + n)
            q, p = chances(ours + zero + balance), chances(evidence[others] + zero + balance)
            surplus = right.sum() - q.sum() - wrong[others] @ p
            bend = (q * (1 - q)).sum() + wrong[others] @ (p * (1 - p))
            zero += float(np.clip(surplus / max(bend, 1e-9), -2, 2))
        before, right = right, chances(ours + zero + logits(np.array(share)))
        share = float((right.sum() + _SEEN * _USUAL) / (n + _SEEN))
        if np.abs(right - before).max() < 1e-4:
            break
    return Settled(evidence + zero, share)


def elsewhere(settled: Settled, given: NDArray[np.bool_], strangers: float) -> Others:
    """What is there that was not given: instead of wrong labels, or beside right ones.

    A clip without a right label holds one of the other classes, as common as among right labels, or none. One with a
    right label may hold others beside it; how often is found by expectation and maximisation as well.

    Args:
        strangers: how many of the clips without a right label are taken to hold none of the classes. This cannot be
            learnt: a class of which the models hear nothing looks like no class.
    """
    right = np.where(given, chances(settled.right), 0.0)
    common = right.sum(axis=0) + 1
    odds = np.where(given, -np.inf, settled.evidence + np.log(common / common.sum()))
    any_other = logsumexp(odds, axis=1)
    none_right = np.where(given, 1 - right, 1.0).prod(axis=1)
    strange = chances(logits(np.array(strangers)) - any_other)
    missing = 0.05
    for _ in range(_ROUNDS):
        beside = np.where(given, 0.0, chances(odds + np.log(missing)))
        before, missing = missing, float(((1 - none_right) @ beside.sum(axis=1) + 1) / ((1 - none_right).sum() + 2))
        if abs(missing - before) < 1e-6:
            break
    instead = np.where(given, 0.0, np.exp(odds - np.where(np.isfinite(any_other), any_other, 0.0)[:, None]))
    there = (none_right * (1 - strange))[:, None] * instead + (1 - none_right)[:, None] * beside
    return Others(there, none_right * strange)
