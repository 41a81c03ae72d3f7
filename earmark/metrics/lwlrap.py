"""Label-weighted label-ranking average precision, the measure of FSDKaggle2019, with four rules for ties.

Sort the classes of a clip by decreasing score. The precision at a label is the share of labels among the classes down
to and including it; lwlrap is the mean of these precisions over all labels of all clips, so that every label counts
once. Arrays are [clips, classes], scores on any link, precisions and lwlrap in (0, 1]. Clips without a label and
classes without a label may occur: they add nothing. Only a table without any label has no lwlrap.

A strictly increasing map of all scores of a clip changes nothing; moving one class against the others does.

Ties, where a label shares its score with other classes of the clip:

    reference     the higher column comes first: what the challenge's own code did with a row of equal scores
    first         the lower column comes first
    pessimistic   every label of the group gets the precision at the group's end (scikit-learn)
    expected      the mean over all orders of the group, exact: what shuffling the columns would give on average

The last two do not depend on the order of the columns. Without ties all four agree to the last bit. The challenge's
code sorted unstably, so that rows with some equal scores came out differently from machine to machine; `reference` is
the stable order that agrees with it where it was defined.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

import numpy as np
from jaxtyping import Float64, Int64
from numpy.typing import ArrayLike

from earmark.core.errors import DataError, SettingsError
from earmark.metrics.ranking import LabelRanks, Operands, checked, mean_where_any, rank_labels

Ties = Literal["reference", "first", "pessimistic", "expected"]


@dataclass(frozen=True, eq=False)
class LwlrapSums:
    """What has to be added up to get lwlrap: for each class the sum of the precisions at its labels, and their number.

    Sums of batches or folds add to the sums of the whole; means of their lwlraps do not give the lwlrap of the whole,
    because batches hold different numbers of labels.

    >>> whole = lwlrap_sums([[1, 0], [0, 1]], [[2, 1], [2, 1]])
    >>> parts = lwlrap_sums([[1, 0]], [[2, 1]]) + lwlrap_sums([[0, 1]], [[2, 1]])
    >>> whole.value == parts.value == 0.75
    True
    >>> whole.per_class
    array([1. , 0.5])
    """

    precisions: Float64[np.ndarray, " classes"]
    counts: Int64[np.ndarray, " classes"]

    @classmethod
    def zero(cls, n_classes: int) -> LwlrapSums:
        """The sums of no clips: where adding starts."""
        return cls(np.zeros(n_classes), np.zeros(n_classes, dtype=np.int64))

    def __add__(self, other: LwlrapSums) -> LwlrapSums:
        if len(self.counts) != len(other.counts):
            raise DataError(
                f"sums over the same classes were wanted, but one side has {len(self.counts)} classes and the other "
                f"{len(other.counts)}; align the predictions to one vocabulary first"
            )
        return LwlrapSums(self.precisions + other.precisions, self.counts + other.counts)

    @property
    def value(self) -> float:
        """lwlrap. Raises DataError where there is no label at all."""
        return float(self.precisions.sum() / self._n_labels())

    @property
    def per_class(self) -> Float64[np.ndarray, " classes"]:
        """Mean precision at the labels of each class; NaN for a class without labels."""
        return mean_where_any(self.precisions, self.counts)

    @property
    def weights(self) -> Float64[np.ndarray, " classes"]:
        """Each class's share of the labels: lwlrap is the sum of weights * per_class. Raises DataError as ``value``."""
        return np.asarray(self.counts / self._n_labels(), dtype=np.float64)

    def _n_labels(self) -> int:
        n_labels = int(self.counts.sum())
        if n_labels == 0:
            raise DataError(
                "lwlrap needs at least one label, but no clip has any; "
                "check that the truth was joined to these clips and classes"
            )
        return n_labels


def lwlrap(truth: ArrayLike, scores: ArrayLike, *, ties: Ties = "reference", known: ArrayLike | None = None) -> float:
    """Mean precision over all labels of all clips.

    Args:
        truth: [clips, classes]; above 0 is a label.
        scores: [clips, classes]; any real numbers, infinities included.
        ties: the order among equal scores of a clip (see the module).
        known: [clips, classes] booleans; an unknown class of a clip is neither a label nor a competitor.

    Raises:
        DataError: shapes differ, a score is NaN, or there is no label at all.
        SettingsError: there is no such rule for ties.

    Source: Fonseca et al., "Audio tagging with noisy labels and minimal supervision", DCASE 2019, and the challenge's
    reference code by D. Ellis.

    >>> lwlrap([[1, 0, 0], [0, 1, 1]], [[0.9, 0.5, 0.1], [0.2, 0.7, 0.1]])
    0.8888888888888888
    >>> [round(lwlrap([[0, 1, 0]], [[0.5, 0.5, 0.5]], ties=rule), 3) for rule in ("first", "pessimistic", "expected")]
    [0.5, 0.333, 0.611]
    """
    return lwlrap_sums(truth, scores, ties=ties, known=known).value


def lwlrap_sums(
    truth: ArrayLike, scores: ArrayLike, *, ties: Ties = "reference", known: ArrayLike | None = None
) -> LwlrapSums:
    """The sums for each class that lwlrap is made of; arguments and errors as in `lwlrap`, but no label is fine."""
    operands = checked(truth, scores, known)
    ranks = rank_labels(operands)
    n_classes = operands.labels.shape[1]
    return LwlrapSums(
        np.bincount(ranks.column, weights=_precisions(ranks, ties), minlength=n_classes),
        np.bincount(ranks.column, minlength=n_classes).astype(np.int64, copy=False),
    )


def precision_at_labels(
    truth: ArrayLike, scores: ArrayLike, *, ties: Ties = "reference", known: ArrayLike | None = None
) -> Float64[np.ndarray, "clips classes"]:
    """The precision at every label [clips, classes], NaN where a clip does not have the label.

    Arguments and errors as in `lwlrap`; no label at all is fine. Its mean over everything that is not NaN is lwlrap.

    >>> precision_at_labels([[0, 1, 1], [0, 0, 0]], [[0.2, 0.7, 0.1], [0.3, 0.2, 0.1]])
    array([[       nan, 1.        , 0.66666667],
           [       nan,        nan,        nan]])
    """
    operands = checked(truth, scores, known)
    return scattered_precisions(operands, ties, fill=np.nan)


def clip_lrap(
    truth: ArrayLike, scores: ArrayLike, *, ties: Ties = "reference", known: ArrayLike | None = None
) -> Float64[np.ndarray, " clips"]:
    """Each clip's own mean precision at its labels [clips], NaN for a clip without labels: sort it for the worst clips.

    Arguments and errors as in `lwlrap`; no label at all is fine.
    """
    operands = checked(truth, scores, known)
    return mean_where_any(scattered_precisions(operands, ties).sum(axis=1), operands.labels.sum(axis=1))


def scattered_precisions(operands: Operands, ties: Ties, *, fill: float = 0.0) -> Float64[np.ndarray, "clips classes"]:
    """The precision at every label in its place, ``fill`` everywhere else, for operands that are checked already."""
    ranks = rank_labels(operands)
    table = np.full(operands.labels.shape, fill)
    table[ranks.row, ranks.column] = _precisions(ranks, ties)
    return table


def _precisions(ranks: LabelRanks, ties: Ties) -> Float64[np.ndarray, " labels"]:
    if ties not in _RULES:
        raise SettingsError(f"ties must be one of {', '.join(_RULES)}, but it is {ties!r}; choose one of them")
    return _RULES[ties](ranks)


def _reference(ranks: LabelRanks) -> Float64[np.ndarray, " labels"]:
    # The same group read from its other end: place 1 becomes the last one.
    hits = ranks.labels_above + ranks.labels_tied - ranks.labels_place + 1
    return np.asarray(hits / (ranks.above + ranks.tied - ranks.place + 1), dtype=np.float64)


def _first(ranks: LabelRanks) -> Float64[np.ndarray, " labels"]:
    hits = ranks.labels_above + ranks.labels_place
    return np.asarray(hits / (ranks.above + ranks.place), dtype=np.float64)


def _pessimistic(ranks: LabelRanks) -> Float64[np.ndarray, " labels"]:
    hits = ranks.labels_above + ranks.labels_tied
    return np.asarray(hits / (ranks.above + ranks.tied), dtype=np.float64)


def _expected(ranks: LabelRanks) -> Float64[np.ndarray, " labels"]:
    """Mean precision over all orders of the group of m equal scores, t of them labels, below a classes with h labels.

    The label stands at each place j = 1..m equally often, and then (t - 1)(j - 1)/(m - 1) of the group's other labels
    stand above it on average. Summing (h + 1 + (t - 1)(j - 1)/(m - 1)) / (a + j) over j leaves one harmonic sum
    D = 1/(a + 1) + ... + 1/(a + m), since the sum of (j - 1)/(a + j) is m - (a + 1) D.
    """
    a, m, h, t = ranks.above, ranks.tied, ranks.labels_above, ranks.labels_tied
    n_places = int((a + m).max(initial=0))
    harmonic = np.concatenate([[0.0], np.cumsum(1.0 / np.arange(1, n_places + 1))])
    total = harmonic[a + m] - harmonic[a]
    share = (t - 1) / np.maximum(m - 1, 1)
    # Gathered around D so that a group of labels only, below labels only, comes out as 1 and not a rounding above it.
    mean = ((h + 1 - share * (a + 1)) * total + share * m) / m
    # A label alone with its score needs no mean, and so agrees with the other rules to the last bit.
    return np.asarray(np.where(m == 1, (h + 1) / (a + 1), mean), dtype=np.float64)


_RULES: Final[Mapping[str, Callable[[LabelRanks], Float64[np.ndarray, " labels"]]]] = MappingProxyType(
    {"reference": _reference, "first": _first, "pessimistic": _pessimistic, "expected": _expected}
)
