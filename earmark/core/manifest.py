"""What is known about a collection of clips: two tables and a vocabulary.

``clips`` has one row a clip, ``labels`` one row for each thing that somebody said about a (clip, class). Both are kept
in the order of their ids, so nothing ever depends on the order in which a source listed them. A later ``revision``
of the same (clip, class) supersedes an earlier one and leaves it in place: no label is overwritten without a trace.

What an unlisted (clip, class) means is a setting for each origin: ``absent`` or ``unknown``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from earmark.core.errors import DataError
from earmark.core.settings import nearest

ORIGINS = ("curated", "noisy", "unlabelled")
"""Whom the labels of a clip come from: trusted people, anybody, nobody."""

PARTS = ("train", "test")
"""What a clip may serve for: learning and choosing, or reporting once."""

STATES = ("present", "absent", "unknown")

Unlisted = Literal["absent", "unknown"]

CLIP_COLUMNS: dict[str, Any] = {
    "id": pl.String,
    "file": pl.String,
    "start_s": pl.Float64,
    "end_s": pl.Float64,
    "origin": pl.String,
    "part": pl.String,
    "usage": pl.String,
    "group": pl.String,
    "fold": pl.Int64,
    "seconds": pl.Float64,
}
LABEL_COLUMNS: dict[str, Any] = {
    "clip": pl.String,
    "label": pl.String,
    "state": pl.String,
    "by": pl.String,
    "confidence": pl.Float64,
    "revision": pl.Int64,
}
_CLIP_DEFAULTS = {"start_s": 0.0, "origin": "curated", "part": "train"}
_LABEL_DEFAULTS = {"state": "present", "by": "given", "revision": 0}


class Targets(NamedTuple):
    """The labels of some clips as numbers."""

    values: NDArray[np.float32]
    """[clips, classes]: 1 present, 0 absent."""
    known: NDArray[np.bool_]
    """[clips, classes]: false where nobody knows."""


@dataclass(frozen=True, eq=False)
class Manifest:
    """Clips, their labels and the vocabulary; make one with `Manifest.of`.

    Args:
        clips: one row a clip: ``id``, ``file`` (relative to ``root``), ``start_s``, ``end_s`` (null: to the end),
            ``origin``, ``part``, ``usage``, ``group`` (what a fold must not split), ``fold``, ``seconds``.
        labels: one row a statement: ``clip``, ``label``, ``state``, ``by`` (who said so), ``confidence`` in [0, 1] or
            null, ``revision``.
        classes: the vocabulary, in the order of the columns of every score matrix.
        unlisted: for each origin what an unlisted label means; where it is not given, ``unknown`` for unlabelled
            clips and ``absent`` for the others.
        root: the folder that ``file`` is relative to.
    """

    clips: pl.DataFrame
    labels: pl.DataFrame
    classes: tuple[str, ...]
    unlisted: Mapping[str, Unlisted]
    root: Path

    @classmethod
    def of(
        cls,
        clips: pl.DataFrame,
        labels: pl.DataFrame | None = None,
        *,
        classes: Sequence[str],
        unlisted: Mapping[str, Unlisted] | None = None,
        root: str | Path = ".",
    ) -> Manifest:
        """Check two tables, fill in what they leave out, and put them in order.

        Raises:
            DataError: the first thing that cannot be: a clip named twice, a label outside the vocabulary, an origin
                that does not exist, a span that ends before it starts, a label of a clip that is not there.
        """
        if len(set(classes)) != len(classes):
            twice = next(name for name in classes if list(classes).count(name) > 1)
            raise DataError(f"the vocabulary must name each class once, but '{twice}' comes more than once")
        labels = pl.DataFrame(schema=LABEL_COLUMNS) if labels is None else labels
        clips = _shaped(clips, CLIP_COLUMNS, _CLIP_DEFAULTS, required=("id", "file"), what="clips")
        labels = _shaped(labels, LABEL_COLUMNS, _LABEL_DEFAULTS, required=("clip", "label"), what="labels")
        _check_clips(clips)
        _check_labels(labels, clips, classes)
        for origin, meaning in (unlisted or {}).items():
            _one_of("origin", origin, ORIGINS)
            _one_of("meaning of an unlisted label", meaning, ("absent", "unknown"))
        return cls(
            clips.sort("id"),
            labels.sort("clip", "label", "revision"),
            tuple(classes),
            {"unlabelled": "unknown", **(unlisted or {})},
            Path(root),
        )

    def __len__(self) -> int:
        return self.clips.height

    @property
    def ids(self) -> tuple[str, ...]:
        """The names of the clips, in alphabetical order."""
        return tuple(self.clips["id"].to_list())

    def where(self, *conditions: pl.Expr, **equal: str | int | Sequence[str] | Sequence[int]) -> Manifest:
        """The clips that meet every condition, with their labels: ``m.where(origin="noisy", fold=[0, 1])``."""
        for name, value in equal.items():
            column = pl.col(name)
            scalar = isinstance(value, str | int)
            conditions = (*conditions, column == value if scalar else column.is_in(list(value)))  # type: ignore[arg-type]
        clips = self.clips.filter(*conditions) if conditions else self.clips
        return replace(self, clips=clips, labels=self.labels.join(clips.select(clip="id"), on="clip", how="semi"))

    def current(self) -> pl.DataFrame:
        """The labels that hold: of each (clip, class) the last revision."""
        return self.labels.filter(pl.col("revision") == pl.col("revision").max().over("clip", "label"))

    def targets(self, ids: Sequence[str] | None = None) -> Targets:
        """The labels as a matrix with a mask of what is known, rows in the order of ``ids``.

        Raises:
            DataError: an id that is not in the manifest.
        """
        wanted = self.ids if ids is None else tuple(ids)
        row = {name: i for i, name in enumerate(self.ids)}
        absent = [name for name in wanted if name not in row]
        if absent:
            raise DataError(f"there is no clip '{absent[0]}' in this manifest; {nearest(absent[0], self.ids[:200])}")
        column = {name: i for i, name in enumerate(self.classes)}
        values = np.zeros((len(self), len(self.classes)), np.float32)
        known = np.zeros_like(values, dtype=np.bool_)
        meanings = [self.unlisted.get(origin, "absent") == "absent" for origin in self.clips["origin"]]
        known[np.array(meanings, dtype=bool)] = True
        said = self.current()
        rows = np.array([row[name] for name in said["clip"]], dtype=int)
        columns = np.array([column[name] for name in said["label"]], dtype=int)
        values[rows, columns] = (said["state"] == "present").to_numpy()
        known[rows, columns] = (said["state"] != "unknown").to_numpy()
        order = [row[name] for name in wanted]
        return Targets(values[order], known[order])

    def revised(self, statements: pl.DataFrame) -> Manifest:
        """The same manifest after somebody said more: new statements supersede old ones, which stay readable.

        Args:
            statements: ``clip``, ``label``, ``state``, ``by`` and perhaps ``confidence``.
        """
        statements = statements.drop("revision", strict=False)
        last = self.labels.group_by("clip", "label").agg(revision=pl.col("revision").max() + 1)
        new = statements.join(last, on=["clip", "label"], how="left").with_columns(pl.col("revision").fill_null(0))
        new = _shaped(new, LABEL_COLUMNS, _LABEL_DEFAULTS, required=("clip", "label"), what="labels")
        return self._with(labels=pl.concat([self.labels, new]))

    def folded(self, folds: Mapping[str, int]) -> Manifest:
        """The same manifest with the folds of some clips set; the others keep theirs."""
        table = pl.DataFrame(
            {"id": list(folds), "new": list(folds.values())}, schema={"id": pl.String, "new": pl.Int64}
        )
        clips = self.clips.join(table, on="id", how="left").with_columns(fold=pl.coalesce("new", "fold")).drop("new")
        return self._with(clips=clips)

    def joined(self, other: Manifest) -> Manifest:
        """The clips of both.

        Raises:
            DataError: the vocabularies or roots differ, or a clip is in both.
        """
        if self.classes != other.classes:
            only = sorted(set(self.classes) ^ set(other.classes))
            raise DataError(f"manifests over different vocabularies cannot be joined; they differ in {only[:3]}")
        if self.root.resolve() != other.root.resolve():
            raise DataError(f"manifests in different folders cannot be joined: '{self.root}' and '{other.root}'")
        return self._with(clips=pl.concat([self.clips, other.clips]), labels=pl.concat([self.labels, other.labels]))

    def _with(self, **tables: pl.DataFrame) -> Manifest:
        return Manifest.of(
            tables.get("clips", self.clips),
            tables.get("labels", self.labels),
            classes=self.classes,
            unlisted=self.unlisted,
            root=self.root,
        )


def _shaped(
    table: pl.DataFrame, columns: dict[str, Any], defaults: dict[str, Any], required: tuple[str, ...], what: str
) -> pl.DataFrame:
    """The table with exactly these columns, of these types, with defaults filled in."""
    for name in required:
        if name not in table.columns:
            raise DataError(f"the table of {what} needs a column '{name}', got {table.columns}")
    for name in table.columns:
        if name not in columns:
            raise DataError(f"the table of {what} has a column '{name}' that means nothing; {nearest(name, columns)}")
    given = {name: pl.col(name).cast(dtype) for name, dtype in columns.items() if name in table.columns}
    filled = {
        name: pl.coalesce(*([given[name]] if name in given else []), pl.lit(defaults.get(name), dtype))
        for name, dtype in columns.items()
    }
    try:
        return table.select(**filled)
    except pl.exceptions.InvalidOperationError as error:
        raise DataError(f"the table of {what} has a cell of the wrong type: {str(error).splitlines()[0]}") from None


def _check_clips(clips: pl.DataFrame) -> None:
    _refuse(
        clips,
        pl.col("id").is_null() | (pl.col("id") == ""),
        "file",
        "each clip needs a name, but the one of file '{}' has none",
    )
    _refuse(clips, pl.col("file").is_null(), "id", "each clip needs a file, but '{}' has none")
    _refuse(clips, pl.col("id").is_duplicated(), "id", "each clip must be listed once, but '{}' is listed more often")
    _refuse(clips, pl.col("end_s") <= pl.col("start_s"), "id", "a clip must end after it starts, but '{}' does not")
    _refuse(clips, pl.col("start_s") < 0, "id", "a clip must start at or after 0 s, but '{}' does not")
    for column, allowed in (("origin", ORIGINS), ("part", PARTS)):
        for value in clips[column].unique():
            _one_of(column, value, allowed)


def _check_labels(labels: pl.DataFrame, clips: pl.DataFrame, classes: Sequence[str]) -> None:
    _refuse(
        labels, pl.col("label").is_null(), "clip", "each row of labels needs a label, but one of clip '{}' has none"
    )
    _refuse(labels, pl.col("clip").is_null(), "label", "each label needs its clip, but one row with '{}' has none")
    for name in labels["label"].unique(maintain_order=True):
        if name not in set(classes):
            clip = labels.filter(pl.col("label") == name)["clip"][0]
            raise DataError(
                f"clip '{clip}' has the label '{name}', which is not in the vocabulary; {nearest(name, classes)}"
            )
    for state in labels["state"].unique():
        _one_of("state", state, STATES)
    stray = labels.join(clips.select(clip="id"), on="clip", how="anti")
    if stray.height:
        raise DataError(
            f"{stray.height} labels speak of clips that are not listed, first of '{stray['clip'][0]}'; "
            "list the clip or drop the label"
        )
    twice = pl.struct("clip", "label", "revision").is_duplicated()
    _refuse(labels, twice, "clip", "a revision may speak once of a (clip, class), but for clip '{}' it does so twice")
    _refuse(
        labels,
        ~pl.col("confidence").is_between(0, 1),
        "clip",
        "a confidence must lie in [0, 1], but one of clip '{}' does not",
    )


def _refuse(table: pl.DataFrame, fault: pl.Expr, column: str, sentence: str) -> None:
    found = table.filter(fault)
    if found.height:
        raise DataError(sentence.format(found[column][0]))


def _one_of(what: str, value: str, allowed: Sequence[str]) -> None:
    if value not in allowed:
        raise DataError(f"there is no {what} '{value}'; {nearest(str(value), allowed)}")
