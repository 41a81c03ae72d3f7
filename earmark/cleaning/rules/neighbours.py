"""Trusted clips that sound alike vote."""

import numpy as np
from pydantic import Field

from earmark.cleaning.case import Case
from earmark.cleaning.nearest_trusted import near
from earmark.cleaning.opinion import Opinion, Verdict
from earmark.cleaning.rules.rule import Rule


class Neighbours(Rule, kind="neighbours"):
    """Labels that enough of the nearest trusted clips have are kept or added; those that none has are dropped."""

    n_guesses = 0
    needs_embeddings = True

    k: int = Field(10, ge=1)
    """How many neighbours."""
    softness: float = Field(0.1, gt=0)
    """A neighbour that is further away by this much of cosine counts less by the factor e."""
    keep: float = Field(0.2, ge=0, le=1)
    """Least share of the neighbours for a given label."""
    drop: float = Field(0.0, ge=0, le=1)
    """Largest share at which a given label is dropped; between the two it is unknown."""
    add: float = Field(0.8, gt=0, le=1)
    """Least share for a label that was not given."""

    def _judge(self, case: Case) -> Opinion:
        found = near(case, self.k, self.softness)
        given = case.labels
        when = [given & (found.share >= self.keep), given & (found.share <= self.drop), given, found.share >= self.add]
        words = [Verdict.KEEP, Verdict.DROP, Verdict.UNKNOWN, Verdict.ADD]
        return Opinion(
            np.select(when, words, Verdict.SILENT).astype(np.int8),
            belief=found.share - 1e-3 * found.distance[:, None],
            strange=found.distance,
            seen={"share": found.share, "distance": found.distance},
        )
