"""Measurements that are kept, by the content of the clip, so that an audit that was stopped goes on.

They lie in ``measurements/`` in the folder of the audit: parquet files that appear whole or not at all, one for each
stretch of work. The key is a hash of the samples, so a clip that was renamed, moved or listed twice is measured
once, and one that was changed is measured again.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from earmark.audit.measures import MEASURES
from earmark.audit.meter import Measured
from earmark.core.errors import DataError
from earmark.core.files import PARTIAL, write_atomically

_ARRAYS = ("spectrum_db", "mean_db", "std_db")
# More files than this are put together into one when the work is done.
_MOST_FILES = 8


class Kept:
    """The measurements in a folder; one process at a time may add to it."""

    def __init__(self, folder: Path) -> None:
        """Read what is there.

        Raises:
            DataError: a file is damaged.
        """
        self._folder = folder
        self._rows: dict[str, Measured] = {}
        self._new: list[str] = []
        for left_behind in folder.glob(f".*{PARTIAL}"):
            left_behind.unlink()
        self._files = sorted(folder.glob("part-*.parquet"))
        for path in self._files:
            self._rows |= _read(path)

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, key: object) -> bool:
        return key in self._rows

    def __getitem__(self, key: str) -> Measured:
        return self._rows[key]

    def add(self, key: str, measured: Measured) -> None:
        """Keep the measurements of a clip; they are on the disk after the next `save`."""
        if key not in self._rows:
            self._new.append(key)
        self._rows[key] = measured

    def save(self) -> None:
        """Write what is new into a file of its own."""
        if self._new:
            self._write(self._new)
            self._new.clear()

    def tidy(self) -> None:
        """Put many files together into one; a kill in between leaves some measurements twice, which does no harm."""
        self.save()
        if len(self._files) > _MOST_FILES:
            old = list(self._files)
            self._write(list(self._rows))
            for path in old:
                path.unlink()
            self._files = [path for path in self._files if path not in old]

    def _write(self, keys: list[str]) -> None:
        last = max((int(path.stem.removeprefix("part-")) for path in self._files), default=-1)
        path = self._folder / f"part-{last + 1:05d}.parquet"
        write_atomically(path, _table([(key, self._rows[key]) for key in keys]).write_parquet)
        self._files.append(path)


def _table(rows: list[tuple[str, Measured]]) -> pl.DataFrame:
    columns: dict[str, pl.Series] = {"key": pl.Series(values=[key for key, _ in rows], dtype=pl.String)}
    for name in MEASURES:
        columns[name] = pl.Series(values=[row.values[name] for _, row in rows], dtype=pl.Float64)
    for name in _ARRAYS:
        columns[name] = pl.Series(values=np.stack([getattr(row, name) for _, row in rows]))
    return pl.DataFrame(columns)


def _read(path: Path) -> dict[str, Measured]:
    try:
        table = pl.read_parquet(path)
        values = table.select(list(MEASURES)).to_dicts()
        arrays = [table[name].to_numpy() for name in _ARRAYS]
        return {key: Measured(*row) for key, *row in zip(table["key"], values, *arrays, strict=True)}
    except (pl.exceptions.PolarsError, OSError, ValueError) as error:
        words = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(f"'{path}' is damaged ({words}); remove it and run the same command again", path) from None
