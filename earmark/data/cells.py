"""Text files as tables of strings, and what can be wrong with them.

Text is UTF-8, with or without a byte order mark. Cells are kept as they are written, an empty one as an empty string,
and what is not a table is refused in one sentence that names the file and the line.
"""

from __future__ import annotations

import codecs
import csv
import difflib
import io
import os
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl

from earmark.core.errors import DataError

_ROWS_AT_ONCE = 10_000  # cells as Python strings take ten times the room that they take in a table


def missing(path: str | Path, what: str) -> DataError:
    """The fault that ``path`` is not there, with the nearest name that is.

    Args:
        path: what was asked for.
        what: what it should have been, for the sentence: "data folder", "table".
    """
    path = Path(path)
    lost, parent = path, path.parent
    while not parent.is_dir() and parent != parent.parent:
        lost, parent = parent, parent.parent
    names = sorted(entry.name for entry in parent.iterdir()) if os.access(parent, os.R_OK) else []
    close = difflib.get_close_matches(lost.name, names, n=1, cutoff=0.55)
    advice = f"did you mean '{parent / close[0]}'?" if close else "check the path"
    where = "" if lost == path else f" (nor '{lost}')"
    return DataError(f"there is no {what} '{path}'{where}; {advice}", path)


def read_csv(
    path: str | Path,
    *,
    required: Sequence[str] = (),
    columns: Sequence[str] | None = None,
    delimiter: str = ",",
    may_be_empty: bool = False,
) -> pl.DataFrame:
    """A csv file as a table of strings; empty cells are empty strings.

    Args:
        path: the file.
        required: columns that must be there.
        columns: names of the columns, where the file has no line of names; else its first line names them.
        delimiter: what stands between two cells, one sign.
        may_be_empty: whether a table without rows is welcome.

    Raises:
        DataError: no such file, not UTF-8, no rows, a name of a column given twice or missing, or a line with more
            or fewer cells than the first.
    """
    path = Path(path)
    reader = csv.reader(io.StringIO(read_text(path), newline=""), delimiter=delimiter, strict=True)
    try:
        rows = _even_rows(reader, path)
        names = [name.strip() for name in next(rows)] if columns is None else list(columns)
        for name in names:
            if names.count(name) > 1:
                raise DataError(f"'{path}' names its column '{name}' {names.count(name)} times; rename one", path)
        lost = [name for name in required if name not in names]
        if lost:
            got = ", ".join(names[:6]) + (", ..." if len(names) > 6 else "")
            raise DataError(
                f"'{path}' needs a column '{lost[0]}', got {got}; is '{delimiter}' what stands between its cells?", path
            )
        parts = [_strings(names, [])]
        while chunk := list(islice(rows, _ROWS_AT_ONCE)):
            parts.append(_strings(names, chunk))
    except csv.Error as error:
        raise DataError(f"'{path}' stops being csv at line {reader.line_num}: {error}; mend that line", path) from None
    table = pl.concat(parts)
    if table.is_empty() and not may_be_empty:
        raise DataError(f"'{path}' names its columns but has no rows; fill it or leave it out", path)
    return table


def numbers(table: pl.DataFrame, column: str, path: str | Path, dtype: Any = pl.Float64) -> pl.Series:
    """A column of strings as numbers, empty cells as null.

    Raises:
        DataError: a cell that is no number of this type, with its row.
    """
    cells = table[column].str.strip_chars()
    values = cells.cast(dtype, strict=False)
    bad = (values.is_null() & (cells != "")).arg_true()
    if len(bad):
        wanted = "whole numbers" if dtype.is_integer() else "numbers"
        raise DataError(
            f"column '{column}' of '{path}' must hold {wanted}, but row {bad[0] + 1} holds '{cells[bad[0]]}'", path
        )
    return values


def read_text(path: Path, what: str = "table") -> str:
    """The text of a file that is not empty.

    Raises:
        DataError: no such file, empty, or not UTF-8, with the line where it stops being so.
    """
    try:
        data = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise missing(path, what) from None
    except OSError as error:
        raise DataError(f"'{path}' cannot be read: {error.strerror}", path) from None
    if not data.removeprefix(codecs.BOM_UTF8).strip():
        raise DataError(f"'{path}' is empty, but a {what} was wanted; fill it or remove it", path)
    if data[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in data:
        raise DataError(f"'{path}' is UTF-16 or no text at all; export it again as 'CSV UTF-8'", path)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise DataError(
            f"'{path}' must be UTF-8, but line {line} holds the byte 0x{data[error.start]:02X}, as Windows-1252 text "
            f"does; save it again as 'CSV UTF-8', or run: iconv -f cp1252 -t utf-8",
            path,
        ) from None


def _even_rows(reader: Any, path: Path) -> Iterator[list[str]]:
    """The rows that are not blank, as long as all have as many cells as the first."""
    width = 0
    for row in reader:
        if len(row) <= 1 and not "".join(row).strip():
            continue
        width = width or len(row)
        if len(row) != width:
            raise DataError(
                f"line {reader.line_num} of '{path}' has {len(row)} cells where the first has {width}; mend it, with "
                "quotation marks round a cell that holds the delimiter",
                path,
            )
        yield row


def _strings(names: list[str], rows: list[list[str]]) -> pl.DataFrame:
    columns = zip(*rows, strict=True) if rows else ([] for _ in names)
    return pl.DataFrame([pl.Series(name, list(cells), pl.String) for name, cells in zip(names, columns, strict=True)])
