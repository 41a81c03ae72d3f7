"""Keep the clips whose given labels agree best with the guesses."""

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from earmark.cleaning.case import Case
from earmark.cleaning.opinion import Opinion, chosen
from earmark.cleaning.ranks import agreement, best_first, mean_log_p, take
from earmark.cleaning.rules.rule import Rule
from earmark.cleaning.slices import slices_of


class Scoring(Rule, kind="scoring"):
    """The k clips whose labels rank highest among the guesses keep them; of all other labels nothing is believed.

    After R. Akhmetov (2019), who kept 1000, retrained, kept 2000, and so on. Thousands of clips agree perfectly; there
    the published code took whichever an unstable sort brought first, here the mean log chance of the labels decides,
    then the clips' names.
    """

    k: int = Field(1000, ge=1)
    """How many clips to keep."""
    per_class: int | None = Field(None, ge=1)
    """Most clips with each label; clips with one label, which rank well most easily, then leave room for others."""
    share_noisy: bool | None = None
    """Whether every fold's model learns from all chosen clips (true) or only from those of its own fold (false, as the
    published trainings did unless told otherwise: of 1000 clips each of five models saw 200); null leaves folds alone,
    so that each model learns from all but its own."""
    legacy_all_but_k: bool = False
    """Keep all but the k worst, as the code did before it was mended."""

    def _judge(self, case: Case) -> Opinion:
        guess = case.guesses[0]
        lrap, sure = agreement(case.labels, guess.scores), mean_log_p(case.labels, guess.p)
        lrap = _where_labelled(case, lrap)
        order = best_first(lrap, sure)
        most = max(len(case) - self.k, 0) if self.legacy_all_but_k else self.k
        clips = take(order, case.labels, most=most, per_class=self.per_class)
        place = np.empty(len(case))
        place[order] = np.arange(1, len(case) + 1)
        return Opinion(
            chosen(case.labels, clips),
            belief=np.where(case.labels, -place[:, None], guess.p - 2 * len(case)),
            seen={"lrap": lrap, "place": place},
            slices=slices_of(case, self.share_noisy),
        )


def _where_labelled(case: Case, lrap: NDArray[np.float64]) -> NDArray[np.float64]:
    """Clips without labels agree with anything, and so come last."""
    return np.where(case.labels.any(axis=1), lrap, -1.0)
