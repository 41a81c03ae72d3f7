"""What a report is made from: plain frozen values, gathered by whoever saw the run and drawn by nobody here.

Everything but the title may be empty: a report about a single evaluation has no history, one about a set without
truth has no scores. Scores lie in [0, 1]; NaN in the arrays of a class means that it had no labels to judge by, NaN as
the end of an interval that there were too few clips for one; both are shown as a dash. Text is taken as it
comes, from file names and other people's labels: whoever shows it must escape it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from earmark.core.errors import DataError
from earmark.metrics import Interval


@dataclass(frozen=True)
class ScoreRow:
    """How good the predictions of one part are.

    Args:
        part: what was scored: "held out, fold 0", "test", "test, Public".
        n_clips: clips scored, those without a label included.
        n_labels: labels they have.
        lwlrap: with its interval; its ends are NaN where fewer than two clips have labels, all of it is None where
            no clip has one.
        map: mean average precision over the classes that have labels; NaN and None as for lwlrap.
    """

    part: str
    n_clips: int
    n_labels: int
    lwlrap: Interval | None
    map: Interval | None


@dataclass(frozen=True, eq=False)
class ClassTable:
    """How good the predictions are for each class; arrays are [classes].

    Args:
        classes: one name a row.
        n_labels: how many clips have the label.
        lwlrap: mean precision at the labels of the class; NaN without labels.
        low: lower end of its interval; NaN without labels, or where all of them lie in one clip.
        high: the upper end, likewise.
        average_precision: how well the clips are ranked for this class; NaN without labels.
        auroc: the chance that a clip with the label outscores one without; NaN where there is no such pair.

    Raises:
        DataError: an array that is not as long as the classes.
    """

    classes: tuple[str, ...]
    n_labels: NDArray[np.int64]
    lwlrap: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    average_precision: NDArray[np.float64]
    auroc: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        for name in ("n_labels", "lwlrap", "low", "high", "average_precision", "auroc"):
            values = getattr(self, name)
            if values is not None and np.shape(values) != (len(self.classes),):
                raise DataError(
                    f"a table of {len(self.classes)} classes needs as many values of {name}, got {np.shape(values)}"
                )

    @property
    def order(self) -> tuple[int, ...]:
        """The rows by falling lwlrap, equal ones by name, those without labels last."""
        values = np.nan_to_num(self.lwlrap, nan=-1.0)
        return tuple(sorted(range(len(self.classes)), key=lambda row: (-values[row], self.classes[row])))


class ConfusionRow(NamedTuple):
    """The classes that stand above a label most often."""

    label: str
    n_labels: int
    above: tuple[tuple[str, int], ...]
    """(class, number of the label's clips in which it scores higher without being a label), most often first."""


@dataclass(frozen=True, eq=False)
class ConfusionTable:
    """Which classes take the places of which labels.

    Every such clip costs lwlrap: the label stands at least one place lower than it should.

    Args:
        classes: the names of rows and columns.
        n_labels: [classes], how many clips have the label.
        counts: [classes, classes], in how many clips that have label ``row``, and not label ``column``, the column
            scores strictly higher.

    Raises:
        DataError: an array of another shape.
    """

    classes: tuple[str, ...]
    n_labels: NDArray[np.int64]
    counts: NDArray[np.int64]

    def __post_init__(self) -> None:
        n = len(self.classes)
        if self.n_labels.shape != (n,) or self.counts.shape != (n, n):
            raise DataError(
                f"confusions of {n} classes need {n} numbers of labels and {n} x {n} counts, "
                f"got {self.n_labels.shape} and {self.counts.shape}"
            )

    @property
    def shares(self) -> NDArray[np.float64]:
        """[classes, classes]: the counts as shares of the label's clips, 0 where there are none."""
        return np.asarray(self.counts / np.maximum(self.n_labels, 1)[:, None], dtype=np.float64)

    def rows(self, n_above: int = 3) -> tuple[ConfusionRow, ...]:
        """The labels that anything stands above, the one with most such places first, equal ones by name.

        Args:
            n_above: how many classes to name for each.
        """
        totals = self.counts.sum(axis=1)
        order = sorted(np.flatnonzero(totals), key=lambda row: (-totals[row], self.classes[row]))
        return tuple(
            ConfusionRow(self.classes[row], int(self.n_labels[row]), self._above(int(row), n_above)) for row in order
        )

    def _above(self, row: int, n: int) -> tuple[tuple[str, int], ...]:
        counts = self.counts[row]
        order = sorted(np.flatnonzero(counts), key=lambda column: (-counts[column], self.classes[column]))
        return tuple((self.classes[column], int(counts[column])) for column in order[:n])


class Guess(NamedTuple):
    """What a clip was taken for."""

    label: str
    probability: float
    """Or the rank in (0, 1], where predictions are ranks."""
    place: int
    """Among all classes of the clip, from 1."""


@dataclass(frozen=True, eq=False)
class WorstClip:
    """A clip that was judged badly, with its sound.

    Args:
        id: the clip's name.
        wave: [samples], mono, full scale at 1; empty where the sound is not at hand.
        rate_hz: samples in a second.
        truth: the labels it has.
        top: the best placed classes, and after them the labels that are not among them.
        lrap: its own mean precision at its labels, in (0, 1].
        note: anything else worth saying, such as its origin.
    """

    id: str
    wave: NDArray[np.float32]
    rate_hz: int
    truth: tuple[str, ...]
    top: tuple[Guess, ...]
    lrap: float
    note: str = ""


@dataclass(frozen=True, eq=False)
class Report:
    """Everything that one page about a run or an evaluation shows.

    Args:
        title: what it is about.
        subtitle: one more line.
        scores: one row a part.
        history: one row an epoch, as the run's log has them (see `earmark.reports.curves.learning_curves`).
        classes: how good each class is, or None.
        confusions: which classes take whose places, or None.
        worst: the worst clips, worst first; a dozen keep the page small enough to mail.
        settings_yaml: every setting, as text.
        differences: (path, default, here) of every setting that is not the default.
        data: facts about the data by name, with units in the text: ``{"clips": "3012", "length": "3.85 h"}``.
        quarantine: one row a file that was set aside; any columns (``reason`` is tallied).
        environment: versions and machine by name.
        notes: sentences that the reader must see first.
    """

    title: str
    subtitle: str = ""
    scores: tuple[ScoreRow, ...] = ()
    history: tuple[Mapping[str, Any], ...] = ()
    classes: ClassTable | None = None
    confusions: ConfusionTable | None = None
    worst: tuple[WorstClip, ...] = ()
    settings_yaml: str = ""
    differences: tuple[tuple[str, str, str], ...] = ()
    data: Mapping[str, str] = field(default_factory=dict)
    quarantine: tuple[Mapping[str, Any], ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
