"""How good verdicts were, where somebody knows what can be heard in the clips. For studies: cleaning never asks.

The truth may cover some of the clips only, such as a sample that somebody listened to; the others are left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from earmark.cleaning.judge import Found, judge
from earmark.cleaning.opinion import Opinion, Verdict
from earmark.cleaning.verdicts import COLUMNS
from earmark.core.errors import DataError
from earmark.core.manifest import Manifest
from earmark.data.cells import read_csv
from earmark.data.sources.csv_table import Columns, Csv
from earmark.data.sources.detection import detect
from earmark.data.tables import read_manifest

TRUE = "true_labels"
"""The column of a table that holds what can be heard, where it stands beside something else."""


class JudgedVerdicts(NamedTuple):
    """What came of verdicts."""

    found: Mapping[str, Found]
    """By kind of error; see `earmark.cleaning.judge`."""
    n_clips: int
    n_labels: int
    """Given labels."""
    n_open: int
    """Given labels about which the verdict is that nobody knows."""
    n_untold: int
    """Clips with a verdict that the truth says nothing about."""


def verdicts_in(path: Path) -> Path | None:
    """The table of verdicts that is meant by a file or by the folder of a cleaning; none where it is neither."""
    place = path / "verdicts.parquet" if path.is_dir() else path
    if not place.is_file() or place.suffix != ".parquet":
        return None
    return place if set(COLUMNS) <= set(pl.read_parquet_schema(place)) else None


def read_answers(place: Path, classes: Sequence[str] = ()) -> Manifest:
    """What can be heard in clips: a csv with a column ``true_labels`` or ``labels``, or a data folder.

    A clip with an empty cell holds none of the classes.

    Args:
        classes: the vocabulary; without it, what the table uses.

    Raises:
        DataError: there is no such table, or it uses a label that is not among the classes.
    """
    if place.is_dir():
        return detect(place).read(place)
    if not place.is_file():
        raise DataError(f"there is no table or folder of labels '{place}'; check its spelling", place)
    column = TRUE if TRUE in read_csv(place).columns else None
    table = Csv(table=place.name, columns=Columns(label=column), vocabulary=tuple(classes), check_files=False)
    return table.read(place.parent)


def heard_in(answers: Manifest, clips: Sequence[str], classes: Sequence[str]) -> NDArray[np.bool_]:
    """Which classes can be heard in which clips, [clips, classes].

    Raises:
        DataError: the answers know nothing of a clip, or use a class that is not among these.
    """
    lacking = sorted(set(clips) - set(answers.ids))
    if lacking:
        raise DataError(
            f"the truth says nothing about {len(lacking)} of {len(clips)} clips, first '{lacking[0]}'; name the truth "
            "of these clips"
        )
    strange = sorted(set(answers.classes) - set(classes))
    if strange:
        raise DataError(
            f"the truth speaks of the class '{strange[0]}', which nobody judged; name the truth of these clips"
        )
    found = np.zeros((len(clips), len(classes)), np.bool_)
    columns = [classes.index(name) for name in answers.classes]
    found[:, columns] = answers.targets(clips).values > 0
    return found


def judge_verdicts(place: Path, truth: Path) -> JudgedVerdicts:
    """Hold a table of verdicts against the truth.

    AUROC is not worked out: a table does not hold what a rule thought of labels that it said nothing about.

    Raises:
        DataError: the truth knows none of the clips, or other classes.
    """
    table = pl.read_parquet(place)
    whole = (place.parent / "manifest.json").is_file()
    answers = read_answers(truth, read_manifest(place.parent).classes if whole else ())
    told = set(answers.ids)
    judged = sorted(set(table["clip"]))
    clips = [clip for clip in judged if clip in told]
    if not clips:
        raise DataError(f"'{truth}' knows none of the {len(judged)} clips of '{place}'; name the truth of these clips")
    classes = tuple(sorted({*table["label"], *answers.classes}))
    table = table.filter(pl.col("clip").is_in(clips))
    rows, columns = _places(table["clip"], clips), _places(table["label"], classes)
    said = np.zeros((len(clips), len(classes)), np.int8)
    said[rows, columns] = [Verdict[word.upper()] for word in table["verdict"]]
    given = np.zeros(said.shape, np.bool_)
    given[rows, columns] = table["given"].to_numpy() == "present"
    found = judge(Opinion(said, np.zeros(said.shape)), given, heard_in(answers, clips, classes))
    return JudgedVerdicts(
        {kind: each._replace(auroc=float("nan")) for kind, each in found.items()},
        n_clips=len(clips),
        n_labels=int(given.sum()),
        n_open=int((given & (said == Verdict.UNKNOWN)).sum()),
        n_untold=len(judged) - len(clips),
    )


def _places(names: pl.Series, among: Sequence[str]) -> NDArray[np.int64]:
    where = {name: place for place, name in enumerate(among)}
    return np.array([where[name] for name in names], dtype=np.int64)
