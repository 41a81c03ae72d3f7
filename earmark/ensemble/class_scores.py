"""The scores of each class brought onto one footing, before members are mixed.

Each strictly increasing map of a clip's scores leaves lwlrap as it is, but one that differs from class to class does
not: a class whose scores are always high wins places from others. Zhang et al. (2019) normalised the outputs of their
models for each class; how is not known here, so there are three ways.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from earmark.core.settings import Settings
from earmark.ensemble.scales import log_odds

if TYPE_CHECKING:
    from earmark.ensemble.members import Members

Bring = Callable[["Members"], "Members"]


class ClassScores(Settings):
    """Brings the log-odds of each class, of each member for itself, onto one footing."""

    how: Literal["standard", "range", "quantile"] = "standard"
    """standard: mean 0 and standard deviation 1; range: from the least to the greatest as from 0 to 1; quantile: the
    share of clips that score less."""
    by: Literal["held_out", "themselves"] = "held_out"
    """Whose scores say where a class lies: those of the held-out clips, or those of the very clips that are scored.
    The latter looks at all test clips before it scores one, which was not possible in 2019 for the hidden part."""

    def learn(self, members: "Members") -> Bring:
        """What brings members onto one footing.

        Args:
            members: the held-out scores.
        """
        if self.by == "themselves":
            return lambda others: _Footing.of(log_odds(others)).bring(others, self.how)
        footing = _Footing.of(log_odds(members))
        return lambda others: footing.bring(others, self.how)


@dataclass(frozen=True, eq=False)
class _Footing:
    """Where the scores of each class lie, [members, 1, classes] each, and all of them in order."""

    mean: NDArray[np.float64]
    spread: NDArray[np.float64]
    ordered: NDArray[np.float64]

    @classmethod
    def of(cls, logits: NDArray[np.float64]) -> "_Footing":
        spread = logits.std(axis=1, keepdims=True)
        return cls(logits.mean(axis=1, keepdims=True), np.where(spread > 0, spread, 1.0), np.sort(logits, axis=1))

    def bring(self, members: "Members", how: str) -> "Members":
        logits = log_odds(members)
        if how == "standard":
            return replace(members, scores=(logits - self.mean) / self.spread, link="logit")
        if how == "range":
            low, high = self.ordered[:, :1], self.ordered[:, -1:]
            shares = (logits - low) / np.where(high > low, high - low, 1.0)
            return replace(members, scores=np.clip(shares, 0.0, 1.0), link="probability")
        return replace(members, scores=self._below(logits), link="probability")

    def _below(self, logits: NDArray[np.float64]) -> NDArray[np.float64]:
        """The share of the known scores of the class that lie below each, equal ones counting half; never 0 or 1."""
        found = np.empty_like(logits)
        n = self.ordered.shape[1]
        for member, row in enumerate(self.ordered):
            for column in range(row.shape[1]):
                known, asked = row[:, column], logits[member, :, column]
                places = np.searchsorted(known, asked, "left") + np.searchsorted(known, asked, "right")
                found[member, :, column] = (places / 2 + 0.5) / (n + 1)
        return found
