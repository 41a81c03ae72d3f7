"""Clips that hold none of the classes."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from earmark.cleaning.case import Case, trusted_as_doubtful
from earmark.cleaning.nearest_trusted import near
from earmark.cleaning.opinion import Opinion, Verdict
from earmark.cleaning.ranks import logits
from earmark.cleaning.rules.rule import Rule
from earmark.core.errors import SettingsError


def strangeness(p: NDArray[np.float64], score: str) -> NDArray[np.float64]:
    """How little a clip's chances look like any class, [clips].

    Args:
        p: [clips, classes].
        score: ``max``: one less the largest chance; ``energy``: minus the sum over classes of log(1 + odds), the joint
            energy of Wang et al., "Can multi-label classification networks know what they don't know?", 2021.
    """
    if score == "max":
        return np.asarray(1 - p.max(axis=1), dtype=np.float64)
    return np.asarray(-np.logaddexp(0, logits(p)).sum(axis=1), dtype=np.float64)


class OpenSet(Rule, kind="open_set"):
    """Clips that look stranger than nearly all trusted clips do hold none of the classes; of the others all is kept."""

    score: Literal["max", "energy", "distance"] = "max"
    """What is strange: a small largest chance, little joint energy, or distance to all trusted clips (with
    embeddings)."""
    accept: float = Field(0.95, gt=0, lt=1)
    """The share of trusted clips, guessed held out, that would pass."""
    share: float | None = Field(None, gt=0, lt=1)
    """Call this share of the doubtful clips strangers, the strangest, instead of comparing with trusted ones."""
    k: int = Field(10, ge=1)
    """How many neighbours the distance is the mean of."""

    def check(self, case: Case) -> None:
        """Refuse a case without embeddings, or without trusted clips to compare with."""
        super().check(case)
        if self.score == "distance" and not case.spaces:
            raise SettingsError(
                "rule 'open_set' with score: distance looks at embeddings, but none came; give --embeddings, or take "
                "another score"
            )
        if self.share is None and not case.has_trusted_guesses:
            raise SettingsError(
                "rule 'open_set' compares with trusted clips, but the predictions hold no curated clip out of fold; "
                "give such, or say which share of the clips are strangers (share)"
            )

    def _judge(self, case: Case) -> Opinion:
        strange = self.strange(case)
        limit = np.quantile(strange, 1 - self.share) if self.share else self._limit(case)
        out = strange > limit
        words = np.where(out[:, None], Verdict.OUT_OF_VOCABULARY, Verdict.KEEP)
        return Opinion(
            np.where(case.labels, words, Verdict.SILENT).astype(np.int8),
            belief=np.where(case.labels, -strange[:, None], -np.inf),
            strange=strange,
            seen={"strange": strange, "limit": np.full(len(case), limit)},
        )

    def strange(self, case: Case) -> NDArray[np.float64]:
        """How strange each doubtful clip is."""
        if self.score == "distance":
            return near(case, self.k).distance
        return strangeness(case.guesses[0].p, self.score)

    def _limit(self, case: Case) -> float:
        return float(np.quantile(self.strange(trusted_as_doubtful(case)), self.accept))
