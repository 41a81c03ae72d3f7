"""Chosen clips keep their labels, all others get predicted ones."""

import numpy as np
from pydantic import Field

from earmark.cleaning.case import Case
from earmark.cleaning.opinion import Opinion, Verdict
from earmark.cleaning.rules.relabelling import RelabelAll
from earmark.cleaning.rules.rule import Rule
from earmark.cleaning.rules.scoring import Scoring


class SelectAndPredict(Rule, kind="select_and_predict"):
    """The end of R. Akhmetov's (2019) iteration: beyond the best k clips given labels are not worth having.

    The k clips that rule scoring chooses keep their labels; the others get those that rule relabelall gives them, and
    are not used where it gives none.
    """

    k: int = Field(5000, ge=1)
    """How many clips keep their labels."""
    per_class: int | None = Field(None, ge=1)
    """Most such clips with each label."""
    expected: float = Field(1.2, gt=0)
    """Labels a clip that the threshold is to leave on average."""
    share_noisy: bool | None = None
    """As in rule scoring."""

    def _judge(self, case: Case) -> Opinion:
        selected = Scoring(k=self.k, per_class=self.per_class, share_noisy=self.share_noisy)(case)
        predicted = RelabelAll(expected=self.expected)(case)
        keeps = (selected.verdicts == Verdict.KEEP).any(axis=1)
        p = case.guesses[0].p
        return Opinion(
            np.where(keeps[:, None], selected.verdicts, predicted.verdicts),
            belief=p + (case.labels & keeps[:, None]),
            seen={**selected.seen, **predicted.seen},
            slices=selected.slices,
        )
