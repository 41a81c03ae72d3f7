"""Clips chosen by lot: what any choice has to beat."""

import numpy as np
from pydantic import Field

from earmark.cleaning.case import Case
from earmark.cleaning.opinion import Opinion, chosen
from earmark.cleaning.rules.rule import Rule
from earmark.core.chance import Chance


class RandomBest50(Rule, kind="random_best50"):
    """Some clips of each class, drawn among those with that label alone, keep it.

    The table that passed for the fifty best noisy clips of each class in 2019 (and that J. Deng began with) was drawn
    at random with replacement: nothing about it is best. No guess is looked at.
    """

    n_guesses = 0

    per_class: int = Field(50, ge=1)
    """Draws for each class."""
    replacement: bool = True
    """Whether a clip may be drawn twice, as it was; it is kept once, and the evidence says how often it was drawn."""
    seed: int = 0
    """Another seed draws others."""

    def _judge(self, case: Case) -> Opinion:
        drawn = np.zeros(len(case))
        single = case.labels.sum(axis=1) == 1
        for column, name in enumerate(case.classes):
            rows = np.flatnonzero(single & case.labels[:, column])
            if len(rows):
                chance = Chance(self.seed).at("best50", label=name).numpy()
                n = self.per_class if self.replacement else min(self.per_class, len(rows))
                np.add.at(drawn, chance.choice(rows, n, replace=self.replacement), 1)
        luck = Chance(self.seed).at("belief").numpy().random(len(case))
        belief = np.where(case.labels, ((drawn > 0) + luck)[:, None], -1.0)
        return Opinion(chosen(case.labels, drawn > 0), belief=belief, seen={"drawn": drawn})
