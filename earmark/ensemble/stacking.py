"""What meta-models learn from: the log-odds of all members for every clip, and where a class can be learnt at all.

A meta-model takes what members say of a clip and guesses its labels anew. It learns from held-out scores, for scores of
clips that a member was trained on are too good. Log-odds are kept within ±20, beyond which a chance is as good as
certain: a single score from a table of rounded chances would outweigh all others.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float64
from numpy.typing import NDArray

from earmark.ensemble.scales import log_odds

if TYPE_CHECKING:
    from earmark.core.manifest import Targets
    from earmark.ensemble.members import Members

_MOST = 20.0


def said(members: Members) -> Float64[np.ndarray, "members clips classes"]:
    """The members' log-odds, none beyond ±20.

    Raises:
        DataError: the members are ranks.
    """
    return np.asarray(np.clip(log_odds(members), -_MOST, _MOST))


@dataclass(frozen=True, eq=False)
class Standard:
    """Columns brought to mean 0 and standard deviation 1, as they were where it was learnt."""

    mean: NDArray[np.float64]
    spread: NDArray[np.float64]

    @classmethod
    def of(cls, table: NDArray[np.float64]) -> Standard:
        """Learnt from a table [rows, columns]; a column that never changes is left at 0."""
        spread = table.std(axis=0)
        return cls(table.mean(axis=0), np.where(spread > 0, spread, 1.0))

    def __call__(self, table: NDArray[np.float64]) -> NDArray[np.float64]:
        standard: NDArray[np.float64] = (table - self.mean) / self.spread
        return standard


def features(values: Float64[np.ndarray, "members clips classes"]) -> NDArray[np.float64]:
    """One row a clip, everything that every member says of it: [clips, members * classes]."""
    return np.ascontiguousarray(values.transpose(1, 0, 2).reshape(values.shape[1], -1))


def learnable(targets: Targets) -> Iterator[tuple[int, Bool[np.ndarray, " clips"], NDArray[np.float64]]]:
    """The classes with known clips that have the label and known clips that have not.

    Yields column, the clips of which it is known, and the labels of those. Of other classes nothing can be learnt.
    """
    for column in range(targets.values.shape[1]):
        known = targets.known[:, column]
        labels = (targets.values[known, column] > 0).astype(np.float64)
        if 0 < labels.sum() < len(labels):
            yield column, known, labels
