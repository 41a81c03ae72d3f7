"""A csv of any make as statements: which column means what, what a row says of its clip, and how it says labels.

Three ways of saying labels are understood: joined in one cell, one column a class, one row a label. All give the
same table of statements (clip, label, state, confidence), labels as they were written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import polars as pl

from earmark.core.errors import DataError
from earmark.data.cells import numbers

USUAL_NAMES: dict[str, tuple[str, ...]] = {
    "file": ("file", "fname", "filename", "file_name", "filepath", "file_path", "path"),
    "label": ("labels", "label", "tags", "class", "category"),
}
"""What the columns of files and labels are usually called, in lower case; any other is called what it means."""

ABOUT_CLIPS = ("start_s", "end_s", "origin", "part", "usage", "group", "fold", "seconds")
_TYPES = {"start_s": pl.Float64, "end_s": pl.Float64, "seconds": pl.Float64, "fold": pl.Int64}
_NO_CLASS = 'if it is no class, name those that are with -s source.kind=csv -s "source.vocabulary=[dog, cat]"'
_OTHER_SEPARATORS = ";|"
_STATEMENT = {"clip": pl.String, "label": pl.String, "state": pl.String, "confidence": pl.Float64}


class Sheet(NamedTuple):
    """A table of strings whose columns have found their meaning."""

    table: pl.DataFrame
    named: Mapping[str, str]
    """The name in the table of each thing that it speaks of."""
    path: Path

    def cells(self, meaning: str) -> pl.Series:
        """The column with this meaning, without spaces round its cells, empty ones as null."""
        return self.table[self.named[meaning]].str.strip_chars().replace("", None)


def understood(table: pl.DataFrame, asked: Mapping[str, str | None], needed: Sequence[str], path: Path) -> Sheet:
    """Find the meaning of the columns.

    Args:
        table: the cells.
        asked: what to look for, with the name of the column where somebody said it.
        needed: what must be found.
        path: where the table lies.

    Raises:
        DataError: a column that was asked for or is needed is not there.
    """
    named: dict[str, str] = {}
    some = ", ".join(table.columns[:6]) + (", ..." if table.width > 6 else "")
    for meaning, name in asked.items():
        if name is not None and name not in table.columns:
            raise DataError(f"'{path}' was to have a column '{name}' ({meaning}), got {some}", path)
        usual = USUAL_NAMES.get(meaning, (meaning,))
        here = next((column for word in usual for column in table.columns if column.casefold() == word), None)
        if name or here:
            named[meaning] = name or str(here)
    for meaning in needed:
        if meaning not in named:
            raise DataError(
                f"'{path}' needs a column of {meaning}s, got {some}; say with -s source.kind=csv what it is called "
                f"(-s source.columns.{meaning}=...), that there is one column a class (-s source.layout=columns), or "
                "what stands between two cells (-s \"source.delimiter=';'\")",
                path,
            )
    return Sheet(table, named, path)


def clips_of(sheet: Sheet, *, folder: str, suffix: str, origin: str, part: str) -> pl.DataFrame:
    """What each row says of its clip, with one row for each of the table's.

    Raises:
        DataError: a row without a file, or a cell that should hold a number and does not.
    """
    written = sheet.cells("file")
    if written.has_nulls():
        raise DataError(
            f"row {written.is_null().arg_true()[0] + 1} of '{sheet.path}' names no file; mend it", sheet.path
        )
    written = written.str.replace_all("\\", "/", literal=True).str.strip_prefix("./")
    said = {name: sheet.cells(name) for name in ABOUT_CLIPS if name in sheet.named}
    start, end = (said.get(name, pl.Series([None] * len(written), dtype=pl.String)) for name in ("start_s", "end_s"))
    for name, dtype in _TYPES.items():
        if name in said:
            said[name] = numbers(sheet.table, sheet.named[name], sheet.path, dtype)
    clips = pl.DataFrame({"written": written, "start": start, "end": end, **said})
    whole = pl.col("start").is_null() & pl.col("end").is_null()
    span = pl.format("{}@{}-{}", "written", pl.col("start").fill_null("0"), pl.col("end").fill_null("end"))
    columns = {name: pl.col(name) for name in said} | {
        name: pl.coalesce(*([pl.col(name).str.to_lowercase()] if name in said else []), pl.lit(value))
        for name, value in (("origin", origin), ("part", part))
    }
    before = f"{folder.rstrip('/')}/" if folder else ""
    id_ = pl.lit(sheet.cells("id")) if "id" in sheet.named else pl.when(whole).then("written").otherwise(span)
    return clips.select(id=id_, file=before + pl.col("written") + suffix, **columns)


def joined_labels(sheet: Sheet, ids: pl.Series, separator: str) -> pl.DataFrame:
    """Labels that stand in one cell, with a separator between two of them."""
    if "label" not in sheet.named:
        return pl.DataFrame(schema=_STATEMENT)
    cells = pl.DataFrame({"clip": ids, "label": sheet.cells("label").fill_null("").str.split(separator)})
    labels = cells.explode("label").with_columns(pl.col("label").str.strip_chars()).filter(pl.col("label") != "")
    return labels.with_columns(state=pl.lit("present"), confidence=pl.lit(None, pl.Float64))


def refuse_torn(labels: pl.Series, path: Path) -> None:
    """See that no label looks like several of them with another separator in between.

    Raises:
        DataError: a part of a label that holds ``;`` or ``|`` is a label too.
    """
    used = set(labels.str.to_lowercase())
    for sign in _OTHER_SEPARATORS:
        for label in labels.filter(labels.str.contains(sign, literal=True)).unique().sort():
            part = next((part.strip() for part in label.split(sign) if part.strip().lower() in used), None)
            if part:
                raise DataError(
                    f"the label '{label}' in '{path}' looks like several, for '{part}' is a label too; say what stands "
                    f"between labels with -s source.kind=csv -s \"source.separator='{sign}'\", or name the classes in "
                    "source.vocabulary",
                    path,
                )


def row_labels(sheet: Sheet, ids: pl.Series) -> pl.DataFrame:
    """One label a row, perhaps with its state and how sure it is; a row without a label only names its clip."""
    if "label" not in sheet.named:
        return pl.DataFrame(schema=_STATEMENT)
    unsaid = pl.Series([None] * len(ids), dtype=pl.String)
    states = sheet.cells("state").str.to_lowercase() if "state" in sheet.named else unsaid
    named = sheet.named.get("confidence")
    sure = numbers(sheet.table, named, sheet.path) if named else unsaid.cast(pl.Float64)
    table = {"clip": ids, "label": sheet.cells("label"), "state": states.fill_null("present"), "confidence": sure}
    return pl.DataFrame(table).drop_nulls("label")


def column_labels(sheet: Sheet, clips: pl.DataFrame, classes: Mapping[str, str], absent: Sequence[str]) -> pl.DataFrame:
    """One column a class: 1 present, 0 absent, between them how sure; an empty cell means that nobody knows.

    Args:
        sheet: the table.
        clips: its clips, one a row.
        classes: the column of each class.
        absent: origins of clips for which an unlisted label means absent anyway, so that a plain 0 adds nothing.

    Raises:
        DataError: a cell outside [0, 1].
    """
    told = []
    for label, column in classes.items():
        try:
            values = numbers(_as_digits(sheet.table, column), column, sheet.path)
        except DataError as error:
            raise DataError(f"{error}; {_NO_CLASS}", sheet.path) from None
        outside = (~values.is_between(0, 1)).arg_true()
        if len(outside):
            raise DataError(
                f"column '{column}' of '{sheet.path}' must hold 0, 1 or what lies between, but row {outside[0] + 1} "
                f"holds {values[outside[0]]:g}; {_NO_CLASS}",
                sheet.path,
            )
        told.append(_told(label, values, clips, absent))
    return pl.concat(told) if told else pl.DataFrame(schema=_STATEMENT)


def one_row_each(clips: pl.DataFrame, path: Path, *, repeats: bool) -> pl.DataFrame:
    """The clips, each once.

    Args:
        clips: what each row of the table says.
        path: where the table lies.
        repeats: whether a clip may have several rows, which then must agree.

    Raises:
        DataError: a clip has several rows, or rows that disagree.
    """
    each = clips.unique() if repeats else clips
    twice = each.filter(pl.col("id").is_duplicated()).sort("id")
    if twice.height and repeats:
        rows = twice.filter(pl.col("id") == twice["id"][0])
        column = next(name for name in rows.columns if rows[name].n_unique() > 1)
        raise DataError(f"the rows of clip '{rows['id'][0]}' in '{path}' disagree about its {column}; mend them", path)
    if twice.height:
        raise DataError(
            f"'{path}' lists {twice['id'].n_unique()} clips more than once, first '{twice['id'][0]}'; drop the extra "
            "rows, or say that each row names one label with -s source.kind=csv -s source.layout=rows",
            path,
        )
    return each


def _told(label: str, values: pl.Series, clips: pl.DataFrame, absent: Sequence[str]) -> pl.DataFrame:
    """What one column says that is not understood without saying."""
    value = pl.col("value")
    adds = (
        pl.when(pl.col("origin").is_in(list(absent)))
        .then(value.is_null() | (value != 0))
        .otherwise(value.is_not_null())
    )
    state = pl.when(value.is_null()).then(pl.lit("unknown")).when(value >= 0.5).then(pl.lit("present"))
    return (
        clips.select("id", "origin", value=values)
        .filter(adds)
        .select(
            clip="id",
            label=pl.lit(label),
            state=state.otherwise(pl.lit("absent")),
            confidence=pl.when((value > 0) & (value < 1)).then(pl.max_horizontal(value, 1 - value)),
        )
    )


def _as_digits(table: pl.DataFrame, column: str) -> pl.DataFrame:
    words = {"true": "1", "yes": "1", "false": "0", "no": "0"}
    cells = pl.col(column).str.strip_chars()
    return table.select(cells.str.to_lowercase().replace_strict(words, default=cells).alias(column))
