"""What is known about a collection of clips: two tables and a vocabulary.

``clips`` has one row a clip, ``labels`` one row for each thing that somebody said about a (clip, class). Both are kept
in the order of their ids, so nothing ever depends on the order in which a source listed them. A later ``revision``
of the same (clip, class) supersedes an earlier one and leaves it in place: no label is overwritten without a trace.

What an unlisted (clip, class) means is a setting for each origin: ``absent`` or ``unknown``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from earmark.core.errors import DataError
from earmark.core.manifest_tables import (
    CLIP_COLUMNS,
    CLIP_DEFAULTS,
    LABEL_COLUMNS,
    LABEL_DEFAULTS,
    ORIGINS,
    check_classes,
    check_clips,
    check_labels,
    one_of,
    shaped,
    whole_files,
)
from earmark.core.settings import nearest

__all__ = ["CLIP_COLUMNS", "LABEL_COLUMNS", "ORIGINS", "Manifest", "Targets", "Unlisted"]

Unlisted = Literal["absent", "unknown"]


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
            ``origin``, ``part``, ``usage``, ``group`` (what a fold must not split; where the
            clips of a file name none, the file), ``fold``, ``seconds``.
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
                that does not exist, a span that ends before it starts, a label of a clip that is not there, a class
                that is called like a column of scores.
        """
        check_classes(classes)
        if len(set(classes)) != len(classes):
            twice = next(name for name in classes if list(classes).count(name) > 1)
            raise DataError(f"the vocabulary must name each class once, but '{twice}' comes more than once")
        labels = pl.DataFrame(schema=LABEL_COLUMNS) if labels is None else labels
        clips = shaped(clips, CLIP_COLUMNS, CLIP_DEFAULTS, required=("id", "file"), what="clips")
        labels = shaped(labels, LABEL_COLUMNS, LABEL_DEFAULTS, required=("clip", "label"), what="labels")
        check_clips(clips)
        check_labels(labels, clips, classes)
        for origin, meaning in (unlisted or {}).items():
            one_of("origin", origin, ORIGINS)
            one_of("meaning of an unlisted label", meaning, ("absent", "unknown"))
        return cls(
            whole_files(clips).sort("id"),
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
        """The clips that meet every condition, with their labels: ``m.where(origin="noisy", fold=[0, 1])``.

        Raises:
            DataError: there is no such column.
        """
        for name, value in equal.items():
            if name not in CLIP_COLUMNS:
                raise DataError(f"clips have no column '{name}' to choose by; {nearest(name, CLIP_COLUMNS)}")
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
        self._must_list(wanted)
        row = {name: i for i, name in enumerate(self.ids)}
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
        new = shaped(new, LABEL_COLUMNS, LABEL_DEFAULTS, required=("clip", "label"), what="labels")
        return self._with(labels=pl.concat([self.labels, new]))

    def folded(self, folds: Mapping[str, int]) -> Manifest:
        """The same manifest with the folds of some clips set; the others keep theirs.

        Raises:
            DataError: an id that is not in the manifest.
        """
        self._must_list(folds)
        table = pl.DataFrame(
            {"id": list(folds), "new": list(folds.values())}, schema={"id": pl.String, "new": pl.Int64}
        )
        clips = self.clips.join(table, on="id", how="left").with_columns(fold=pl.coalesce("new", "fold")).drop("new")
        return self._with(clips=clips)

    def joined(self, other: Manifest) -> Manifest:
        """The clips of both.

        Raises:
            DataError: the vocabularies, the roots or the meanings of an unlisted label differ, or a clip is in both.
        """
        if self.classes != other.classes:
            only = sorted(set(self.classes) ^ set(other.classes))
            raise DataError(f"manifests over different vocabularies cannot be joined; they differ in {only[:3]}")
        if self.root.resolve() != other.root.resolve():
            raise DataError(f"manifests in different folders cannot be joined: '{self.root}' and '{other.root}'")
        for origin in ORIGINS:
            meanings = {one._meaning(origin) for one in (self, other)} - {None}
            if len(meanings) > 1:
                raise DataError(
                    f"an unlisted label of a clip that is {origin} means absent in one manifest and unknown in the "
                    f"other; read both with the same unlisted.{origin} to join them"
                )
        both = replace(self, unlisted={**self.unlisted, **other.unlisted})
        return both._with(clips=pl.concat([self.clips, other.clips]), labels=pl.concat([self.labels, other.labels]))

    def _meaning(self, origin: str) -> Unlisted | None:
        """What an unlisted label of this origin means here; None where nothing was said and no clip is of it."""
        return self.unlisted.get(origin, "absent" if (self.clips["origin"] == origin).any() else None)

    def _must_list(self, ids: Iterable[str]) -> None:
        listed = set(self.ids)
        absent = next((name for name in ids if name not in listed), None)
        if absent is not None:
            raise DataError(f"there is no clip '{absent}' in this manifest; {nearest(absent, self.ids[:200])}")

    def _with(self, **tables: pl.DataFrame) -> Manifest:
        return Manifest.of(
            tables.get("clips", self.clips),
            tables.get("labels", self.labels),
            classes=self.classes,
            unlisted=self.unlisted,
            root=self.root,
        )
