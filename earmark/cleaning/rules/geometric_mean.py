"""Keep clips that two models agree about, a few for each class."""

import numpy as np
from pydantic import Field

from earmark.cleaning.case import Case
from earmark.cleaning.opinion import Opinion, chosen
from earmark.cleaning.ranks import agreement, best_first, mean_log_p, take
from earmark.cleaning.rules.rule import Rule


class GeometricMean(Rule, kind="geometric_mean"):
    """Clips keep their labels where the geometric mean of two models' ranking precisions is high enough.

    After E. Bouteillon (2019): at least 0.5, and at most five clips in each fold and class, the best ones; a clip needs
    room for all of its labels. Clips that are in no fold count as one fold.
    """

    n_guesses = 2

    least: float = Field(0.5, ge=0, le=1)
    """Least geometric mean of the two precisions."""
    per_fold_and_class: int | None = Field(5, ge=1)
    """Most clips with each label in each fold; null takes all."""

    def _judge(self, case: Case) -> Opinion:
        one, other = case.guesses[:2]
        mean = np.sqrt(agreement(case.labels, one.scores) * agreement(case.labels, other.scores))
        sure = (mean_log_p(case.labels, one.p) + mean_log_p(case.labels, other.p)) / 2
        order = best_first(mean, sure)
        able = order[((mean >= self.least) & (case.labels.sum(axis=1) > 0))[order]]
        clips = take(able, case.labels, per_class=self.per_fold_and_class, groups=case.folds)
        p = np.sqrt(one.p * other.p)
        return Opinion(
            chosen(case.labels, clips),
            belief=np.where(case.labels, mean[:, None] + 1e-3 * p, p - 2),
            seen={"geometric mean": mean},
        )
