"""The two tables of a manifest: their columns, and what cannot stand in them.

Checks raise `DataError` for the first thing that cannot be, with the clip that it is about.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from earmark.core.errors import DataError
from earmark.core.settings import nearest

ORIGINS = ("curated", "noisy", "unlabelled")
"""Whom the labels of a clip come from: trusted people, anybody, nobody."""

PARTS = ("train", "test")
"""What a clip may serve for: learning and choosing, or reporting once."""

STATES = ("present", "absent", "unknown")

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
CLIP_DEFAULTS = {"start_s": 0.0, "origin": "curated", "part": "train"}
LABEL_DEFAULTS = {"state": "present", "by": "given", "revision": 0}
TAKEN_NAMES = ("fname", "id", "clip", "fold")
"""What no class may be called: tables with a column a class have these columns besides."""


def shaped(
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


def check_classes(classes: Sequence[str]) -> None:
    """See that no class takes the name of a column that says something else."""
    taken = [name for name in classes if name in TAKEN_NAMES]
    if taken:
        raise DataError(
            f"a class cannot be called '{taken[0]}', for tables of scores have a column of that name; "
            f"call it something else, '{taken[0]} class' for example"
        )


def whole_files(clips: pl.DataFrame) -> pl.DataFrame:
    """The clips with a group for each that shares its file: that of the file's other clips, else the file itself.

    Clips of one recording sound alike, so folds must not come between them any more than between those of one group.
    Groups that were given stay as they are, also where one file has several.
    """
    shared = pl.when(pl.len().over("file") > 1).then("file")
    return clips.with_columns(group=pl.coalesce("group", pl.col("group").min().over("file"), shared))


def check_clips(clips: pl.DataFrame) -> None:
    """See that each clip has a name of its own, a file, a span, an origin and a part."""
    _refuse(
        clips,
        pl.col("id").is_null() | (pl.col("id") == ""),
        "file",
        "each clip needs a name, but the one of file '{}' has none",
    )
    _refuse(clips, pl.col("file").is_null(), "id", "each clip needs a file, but '{}' has none")
    _refuse(clips, pl.col("id").is_duplicated(), "id", "each clip must be listed once, but '{}' is listed more often")
    for column in ("start_s", "end_s"):
        sentence = f"the {column} of a clip must be a finite number (or empty), but that of '{{}}' is not; mend it"
        _refuse(clips, ~pl.col(column).is_finite(), "id", sentence)
    _refuse(clips, pl.col("end_s") <= pl.col("start_s"), "id", "a clip must end after it starts, but '{}' does not")
    _refuse(clips, pl.col("start_s") < 0, "id", "a clip must start at or after 0 s, but '{}' does not")
    for column, allowed in (("origin", ORIGINS), ("part", PARTS)):
        for value in clips[column].unique():
            one_of(column, value, allowed)


def check_labels(labels: pl.DataFrame, clips: pl.DataFrame, classes: Sequence[str]) -> None:
    """See that each label speaks once of a listed clip and of a class, in a known state."""
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
        one_of("state", state, STATES)
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


def one_of(what: str, value: str, allowed: Sequence[str]) -> None:
    """See that a word is one of those that mean something."""
    if value not in allowed:
        raise DataError(f"there is no {what} '{value}'; {nearest(str(value), allowed)}")
