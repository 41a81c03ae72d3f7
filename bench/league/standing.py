"""What stands: of every stage that was scored, its scores, and what it took.

Held-out scores are those of all folds together, each clip by the model that held it out. Test clips are scored by the
mean of the models of all folds, as the sources did: it costs no further training. One model on all clips, or of one
fold alone, speaks for itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.league.line import Line
from bench.league.place import Place
from bench.league.record import Row, is_finished, is_training, kind, record_of, speakers, trainings
from earmark.core.errors import DataError
from earmark.core.manifest import Manifest
from earmark.core.predictions import Predictions
from earmark.data.tables import read_predictions
from earmark.metrics import Interval, lwlrap, lwlrap_difference, lwlrap_interval
from earmark.metrics.bootstrap import Difference
from earmark.runs.folder import RunFolder
from earmark.stages.finished_runs import runs_in
from earmark.stages.mean_of_runs import mean_of
from earmark.stages.recipe import read_recipe
from earmark.stages.score import Judged, is_labelled, judge, read_truth

Part = Literal["held_out", "test", "Public", "Private"]
Ref = tuple[str, str]
"""A line and one of its stages, by name."""


class Entry:
    """A stage of a finished line that leaves scores."""

    def __init__(self, line: Line, row: Row, rows: Sequence[Row], place: Place, truth: Truth) -> None:
        self.line, self.stage, self.kind = line, str(row["stage"]), kind(row)
        self.is_last = row is rows[-1]
        self.folder = RunFolder(place.out / row["folder"])
        self.trained = tuple(place.out / each["folder"] for each in trainings(rows, self.stage))
        self.speaks = tuple(RunFolder(place.out / each["folder"]) for each in speakers(rows, self.stage))
        self._truth = truth
        self._judged: dict[str, Judged | None] = {}

    @property
    def is_model(self) -> bool:
        """Whether it is one training, and not a mean of several."""
        return self.kind == "train"

    def judged(self, part: Part) -> Judged | None:
        """What it says of a part, beside the labels; none where it says nothing, or nobody knows."""
        table = "held_out" if part == "held_out" else "test"
        if table not in self._judged:
            predictions = self._predictions(table)
            self._judged[table] = None if predictions is None else self._truth.judged(predictions)
        found = self._judged[table]
        return found if found is None or part in ("held_out", "test") else _of_usage(found, part)

    def score(self, part: Part) -> Interval | None:
        """lwlrap with its interval; none where there is no label."""
        judged = self.judged(part)
        if judged is None or not judged.truth.any():
            return None
        scores, known = judged.predictions.scores, judged.known
        try:
            return lwlrap_interval(judged.truth, scores, known=known, groups=_groups(judged), seed=0)
        except DataError:  # a single clip, or group
            return Interval(lwlrap(judged.truth, scores, known=known), float("nan"), float("nan"))

    @cached_property
    def training_s(self) -> float:
        """Seconds of all epochs of everything that was trained for it, over all folds."""
        runs = [run for folder in self.trained for run in runs_in(folder)]
        return float(sum(row["seconds"] for run in runs for row in run.log()))

    @property
    def n_folds(self) -> int:
        """How many folds were held out in turn; one where it is one training."""
        return len(runs_in(self.trained[-1]))

    @cached_property
    def origins(self) -> tuple[str, ...]:
        """The origins of the clips that anything of it learnt from, in alphabetical order."""
        recipes = [read_recipe(str(runs_in(folder)[0].path / "recipe.yaml")) for folder in self.trained]
        return tuple(sorted({o for recipe in recipes for stream in recipe.streams.values() for o in stream.origins}))

    @cached_property
    def n_parameters(self) -> int | None:
        """All weights that speak for one fold; none where they were not counted."""
        found = [run.read_json("measured.json") for run in self.speaks]
        return sum(each["parameters"] for each in found) if found and all(found) else None

    @cached_property
    def clips_per_s(self) -> float | None:
        """At tagging, by all models of one fold; none where it was not measured."""
        found = [run.read_json("measured.json") for run in self.speaks]
        return 1 / sum(each["s_a_clip"] for each in found) if found and all(found) else None

    def _predictions(self, table: str) -> Predictions | None:
        place = self.folder.predictions(table)
        if place.is_file():
            return read_predictions(place)
        places = sorted(self.folder.path.glob(f"fold-*/predictions/{table}.parquet"))
        parts = [read_predictions(each) for each in places]
        return mean_of(parts, parts[0].ids) if parts else None


class Truth:
    """The right labels, read once."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._known: Manifest | None = None

    def judged(self, predictions: Predictions) -> Judged | None:
        """Predictions beside the labels of the same clips; none where nobody labelled them."""
        if self._known is None:
            self._known = read_truth(self._data, predictions.classes)
        if not is_labelled(predictions, self._known):
            return None
        return judge(predictions, self._known, excused=set(self._known.ids))


class Standing(NamedTuple):
    """Everything that a page is made of."""

    place: Place
    lines: Sequence[Line]
    entries: dict[Ref, Entry]
    """In the order of lines and stages."""

    @classmethod
    def of(cls, place: Place, lines: Sequence[Line]) -> Standing:
        """Find out what stands in the folder of a league."""
        truth, found = Truth(place.data), {}
        for line in lines:
            rows = record_of(line, place)["stages"] if is_finished(line, place) else []
            for row in rows:
                if is_training(row) or kind(row) in ("predict", "blend"):
                    entry = Entry(line, row, rows, place, truth)
                    found[line.name, entry.stage] = entry
        return cls(place, lines, found)

    def last(self, name: str) -> Entry | None:
        """The stage that a line ends with."""
        return next((entry for (line, _), entry in self.entries.items() if line == name and entry.is_last), None)


def gain(before: Entry | None, after: Entry | None, part: Part) -> Difference | None:
    """How much better the one is than the other on the clips of both, paired; none where either says nothing."""
    one, other = (None if each is None else each.judged(part) for each in (before, after))
    if one is None or other is None or set(one.predictions.ids) != set(other.predictions.ids):
        return None
    second = other.predictions.aligned(one.predictions.ids, one.predictions.classes).scores
    try:
        return lwlrap_difference(
            one.truth, one.predictions.scores, second, known=one.known, groups=_groups(one), seed=0
        )
    except DataError:
        return None


def _groups(judged: Judged) -> list[str] | None:
    return None if judged.groups is None else judged.groups.tolist()


def _of_usage(judged: Judged, usage: str) -> Judged | None:
    """The clips that serve for this within their part; none where there are none."""
    chosen: NDArray[np.bool_] = judged.usage == usage
    if not chosen.any():
        return None
    ids = tuple(name for name, keep in zip(judged.predictions.ids, chosen, strict=True) if keep)
    return Judged(
        judged.predictions.aligned(ids),
        judged.truth[chosen],
        judged.known[chosen],
        judged.usage[chosen],
        None if judged.groups is None else judged.groups[chosen],
    )
