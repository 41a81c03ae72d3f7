"""Keep given labels that are among the first guesses."""

import numpy as np
from pydantic import Field

from earmark.cleaning.case import Case
from earmark.cleaning.opinion import Opinion, Verdict, relabelled
from earmark.cleaning.rules.rule import Rule


class TopIntersection(Rule, kind="top_intersection"):
    """Given labels among the n classes that score highest are kept, others dropped; clips left with none are unused.

    After J. Deng (2019), with n = 5. Equal scores go by the order of the classes.
    """

    n: int = Field(5, ge=1)
    """How many of the first guesses count."""
    legacy_unwritten: bool = False
    """Keep every label, as the published code did wherever its write-back had no effect."""

    def _judge(self, case: Case) -> Opinion:
        guess = case.guesses[0]
        order = np.argsort(-guess.scores, axis=1, kind="stable")
        rank = np.empty_like(order)
        np.put_along_axis(rank, order, np.arange(1, len(case.classes) + 1)[None], axis=1)
        both = case.labels & (rank <= self.n)
        if self.legacy_unwritten:
            both = case.labels
        verdicts = relabelled(case.labels, both)
        verdicts[case.labels & ~both.any(axis=1, keepdims=True)] = Verdict.UNKNOWN
        return Opinion(verdicts, belief=-rank + guess.p, seen={"rank": rank.astype(np.float64), "guess": guess.p})
