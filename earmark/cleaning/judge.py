"""How good a rule is, where the truth about the doubtful clips is known: by kind of error, for studies only.

    right               given labels that are there: they should be kept
    faulty              given labels that are not there, for whatever reason: they should be dropped
    wrong               given labels that are not there, on clips that hold some class: they should be dropped
    incomplete          classes that are there and were not given, on clips whose given labels are all right
    replaced            classes that are there and were not given, on clips with a wrong label
    out_of_vocabulary   clips that hold none of the classes

A verdict of ``unknown`` finds nothing and costs no precision. AUROC asks only for the order of beliefs, over everything
of the kind against everything that it could be confused with; it is NaN where one side is empty.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from earmark.cleaning.opinion import Opinion, Verdict
from earmark.core.errors import DataError
from earmark.metrics import auroc

KINDS = ("right", "faulty", "wrong", "incomplete", "replaced", "out_of_vocabulary")


class Found(NamedTuple):
    """How well one kind is found."""

    n: int
    """How many there are."""
    n_said: int
    """How many the rule says there are."""
    n_hit: int
    """How many of these there are."""
    auroc: float

    @property
    def precision(self) -> float:
        """Share of what was said that is so; NaN where nothing was said."""
        return self.n_hit / self.n_said if self.n_said else float("nan")

    @property
    def recall(self) -> float:
        """Share of what is so that was said; NaN where nothing is so."""
        return self.n_hit / self.n if self.n else float("nan")

    @property
    def f1(self) -> float:
        """The harmonic mean of both; NaN where nothing is so and nothing was said."""
        return 2 * self.n_hit / (self.n + self.n_said) if self.n + self.n_said else float("nan")


def judge(opinion: Opinion, labels: NDArray[np.bool_], truth: NDArray[np.bool_]) -> Mapping[str, Found]:
    """Precision, recall and AUROC of an opinion for each kind of error.

    Args:
        labels: [clips, classes], what was given.
        truth: [clips, classes], what is there.

    Raises:
        DataError: shapes differ.
    """
    if not labels.shape == truth.shape == opinion.verdicts.shape:
        raise DataError(
            f"an opinion, labels and truth of the same clips and classes were wanted, but they have the shapes "
            f"{list(opinion.verdicts.shape)}, {list(labels.shape)} and {list(truth.shape)}; align them first"
        )
    said, belief = opinion.verdicts, opinion.belief
    empty = truth.sum(axis=1) == 0
    has_wrong = ((labels & ~truth).sum(axis=1) > 0) & ~empty
    wholly_right = ~has_wrong & ~empty
    in_vocabulary = labels & ~empty[:, None]
    missed, absent = ~labels & truth, ~labels & ~truth
    dropped = np.isin(said, (Verdict.DROP, Verdict.OUT_OF_VOCABULARY))
    return {
        "right": _found(labels, truth, said == Verdict.KEEP, belief),
        "faulty": _found(labels, ~truth, dropped, -belief),
        "wrong": _found(in_vocabulary, ~truth, dropped, -belief),
        "incomplete": _found((missed | absent) & wholly_right[:, None], truth, said == Verdict.ADD, belief),
        "replaced": _found((missed | absent) & has_wrong[:, None], truth, said == Verdict.ADD, belief),
        "out_of_vocabulary": _found(
            labels.sum(axis=1) > 0, empty, (said == Verdict.OUT_OF_VOCABULARY).any(axis=1), _strange(opinion, labels)
        ),
    }


def _strange(opinion: Opinion, labels: NDArray[np.bool_]) -> NDArray[np.float64]:
    """How strange each clip is; for a rule that does not say so, how little it believes in any label that was given."""
    if opinion.strange is not None:
        return opinion.strange
    return np.asarray(-np.where(labels, opinion.belief, -np.inf).max(axis=1), dtype=np.float64)


def _found(
    among: NDArray[np.bool_], so: NDArray[np.bool_], said: NDArray[np.bool_], order: NDArray[np.float64]
) -> Found:
    """Of what is among these: how much is so, was said to be, and both."""
    so, said, order = so[among], said[among], order[among]
    return Found(int(so.sum()), int(said.sum()), int((so & said).sum()), float(auroc(so[:, None], order[:, None])[0]))
