"""Confident learning for several labels a clip: each class against the rest."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from earmark.cleaning.case import Case
from earmark.cleaning.opinion import Opinion, Verdict
from earmark.cleaning.ranks import logits
from earmark.cleaning.rules.rule import Rule

_SLACK = 1e-6


class Confident(NamedTuple):
    """What confident learning finds for each class."""

    thresholds: NDArray[np.float64]
    """[classes, 2]: the mean chance of absence where a class was not given, and of presence where it was; NaN where
    nobody was (or was not) given it."""
    joint: NDArray[np.int64]
    """[classes, given 0 or 1, guessed 0 or 1]: how many clips are confidently counted there."""
    wrong: NDArray[np.bool_]
    """[clips, classes]: given one way and confidently the other."""


def confident(labels: NDArray[np.bool_], p: NDArray[np.float64], *, agreed: bool = True) -> Confident:
    """Count, for each class, the clips that are confidently present or absent, and find those off the diagonal.

    Args:
        labels: [clips, classes].
        p: [clips, classes], chances out of fold.
        agreed: pass over what the likelier side speaks against.

    A clip is confidently of a side whose chance reaches the mean chance of that side over the clips that were given it;
    of two such sides it is of the likelier one. Source: Northcutt, Jiang & Chuang, "Confident learning", JAIR 2021; one
    against the rest as in Thyagarajan et al., "Identifying incorrect annotations in multi-label classification data",
    2022.
    """
    chance = np.stack([1 - p, p], axis=2)
    given = np.stack([~labels, labels], axis=2)
    n = given.sum(axis=0)
    thresholds = np.full(n.shape, np.nan)
    np.divide((chance * given).sum(axis=0), n, out=thresholds, where=n > 0)
    reached = chance >= thresholds[None] - _SLACK
    likelier = p > 1 - p
    guessed = np.where(reached.all(axis=2), likelier, reached[..., 1])
    counted = reached.any(axis=2)
    joint = np.zeros((labels.shape[1], 2, 2), np.int64)
    for was in (0, 1):
        for now in (0, 1):
            joint[:, was, now] = (counted & given[..., was] & (guessed == now)).sum(axis=0)
    wrong = counted & (guessed != labels) & ~np.isnan(thresholds).any(axis=1)
    return Confident(thresholds, joint, wrong & (likelier != labels) if agreed else wrong)


class ConfidentLearning(Rule, kind="confident_learning"):
    """Given labels that are confidently absent are dropped, and classes that are confidently there are added.

    Northcutt et al. (2021), each class against the rest: what counts as confident is learnt for each class from the
    doubtful labels themselves, so that a model may be too sure or too shy. A class that no doubtful clip was given is
    left alone.
    """

    add: bool = True
    """Whether classes may be added; otherwise they become unknown."""
    agreed: bool = True
    """Pass over errors that the likelier side speaks against, as the reference implementation does."""

    def _judge(self, case: Case) -> Opinion:
        p = case.guesses[0].p
        found = confident(case.labels, p, agreed=self.agreed)
        other = Verdict.ADD if self.add else Verdict.UNKNOWN
        verdicts = np.select(
            [case.labels & found.wrong, case.labels, found.wrong], [Verdict.DROP, Verdict.KEEP, other], Verdict.SILENT
        )
        present = found.thresholds[:, 1]
        own = np.where(np.isnan(present), 0.5, present)
        return Opinion(
            verdicts.astype(np.int8),
            belief=logits(p) - logits(own),
            seen={"guess": p, "present from": np.broadcast_to(own, p.shape)},
        )
