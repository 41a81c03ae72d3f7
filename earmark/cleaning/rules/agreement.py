"""Models of several folds, snapshots or runs vote."""

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from earmark.cleaning.case import Case
from earmark.cleaning.opinion import Opinion, Verdict
from earmark.cleaning.ranks import threshold_for
from earmark.cleaning.rules.rule import Rule


def votes(members: NDArray[np.float64], expected: float) -> NDArray[np.float64]:
    """The share of the models that hear a class, [clips, classes]; each has a threshold of its own.

    Args:
        members: [models, clips, classes], NaN where a model has no say.
        expected: classes a clip that each model hears on average.
    """
    heard = np.full(members.shape, np.nan)
    for number, p in enumerate(members):
        rows = ~np.isnan(p).any(axis=1)
        if rows.any():
            heard[number, rows] = p[rows] > threshold_for(p[rows], expected)
    n = (~np.isnan(heard)).sum(axis=0)
    share: NDArray[np.float64] = np.nansum(heard, axis=0) / np.maximum(n, 1)
    return share


class Agreement(Rule, kind="agreement"):
    """Labels that enough of several models hear are kept or added; those that too few hear are dropped.

    Each model hears what lies above a threshold of its own, chosen for an expected number of labels a clip.
    """

    n_members = 2

    expected: float = Field(1.5, gt=0)
    """Classes a clip that each model hears on average."""
    keep: float = Field(0.5, ge=0, le=1)
    """Least share of the models for a given label."""
    drop: float = Field(0.0, ge=0, le=1)
    """Largest share of the models at which a given label is dropped; between the two it is unknown."""
    add: float = Field(1.0, ge=0, le=1)
    """Least share of the models for a label that was not given."""

    def _judge(self, case: Case) -> Opinion:
        share = votes(case.members, self.expected)
        p = np.nanmean(case.members, axis=0)
        words = [Verdict.KEEP, Verdict.DROP, Verdict.UNKNOWN, Verdict.ADD]
        given = case.labels
        when = [given & (share >= self.keep), given & (share <= self.drop), given, (share >= self.add) & (share > 0)]
        verdicts = np.select(when, words, Verdict.SILENT)
        return Opinion(verdicts.astype(np.int8), belief=share + 1e-3 * p, seen={"share": share, "guess": p})
