"""What a packed store says about itself: three small files beside the shards, each replaced atomically.

store.json       the version of this layout and the settings that the clips were packed with
index.parquet    one row a clip: where it lies, how it is scaled, what its source was (`IndexRow`)
quarantine.csv   one row for each file that is not in the store, or is and deserves a remark (`QuarantineRow`)

The index is the truth. Bytes that no row points to do not exist, so a killed packer leaves a whole store behind.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import polars as pl

from earmark.core.errors import DataError
from earmark.core.files import sync, write_atomically, write_text_atomically
from earmark.core.settings import read
from earmark.data.pack_settings import PackSettings
from earmark.data.shards import SAMPLE_BYTES, IndexRow, Outcome, QuarantineRow, shard_name

SCHEMA_VERSION = 1
SETTINGS, INDEX, QUARANTINE = "store.json", "index.parquet", "quarantine.csv"

INDEX_COLUMNS = pl.Schema(
    {
        "file": pl.String,
        "shard": pl.Int64,
        "offset_samples": pl.Int64,
        "n_samples": pl.Int64,
        "scale": pl.Float64,
        "source_rate_hz": pl.Int64,
        "source_channels": pl.Int64,
        "source_bytes": pl.Int64,
        "source_mtime_ns": pl.Int64,
        "silent": pl.Boolean,
        "peak": pl.Float64,
    }
)
QUARANTINE_COLUMNS = pl.Schema(
    {
        "file": pl.String,
        "reason": pl.String,
        "detail": pl.String,
        "kept": pl.Boolean,
        "source_bytes": pl.Int64,
        "source_mtime_ns": pl.Int64,
    }
)


class Ledger:
    """The index and the quarantine table of a store that is being packed, by file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.rows: dict[str, IndexRow] = {}
        self.quarantine: dict[str, QuarantineRow] = {}
        if (folder / INDEX).exists():
            index = read_index(folder)
            broken = [shard for shard, _, _ in broken_shards(folder, index)]
            whole = index.filter(~pl.col("shard").is_in(broken))
            self.rows = {row[0]: IndexRow(*row) for row in whole.iter_rows()}
        if (folder / QUARANTINE).exists():
            self.quarantine = {row[0]: QuarantineRow(*row) for row in read_quarantine(folder).iter_rows()}

    def record(self, outcome: Outcome) -> None:
        """Let the outcome for a file take the place of what was known about it."""
        self.rows.pop(outcome.file, None)
        self.quarantine.pop(outcome.file, None)
        if outcome.packed is not None:
            self.rows[outcome.file] = outcome.packed
        if outcome.quarantined is not None:
            self.quarantine[outcome.file] = outcome.quarantined

    def save(self, shards: Iterable[int]) -> None:
        """Bring the ledger to the disk, and before it the shards it speaks of.

        The quarantine table goes first: after a kill between the two, every file is either as the index says or packed
        again.

        Args:
            shards: those that have grown since the last time.

        Raises:
            DataError: the disk is full; the files that are there stay whole.
        """
        for shard in shards:
            sync(self._folder / shard_name(shard))
        remarks = pl.DataFrame(list(self.quarantine.values()), schema=QUARANTINE_COLUMNS, orient="row").sort("file")
        write_atomically(self._folder / QUARANTINE, remarks.write_csv)
        index = pl.DataFrame(list(self.rows.values()), schema=INDEX_COLUMNS, orient="row").sort("file")
        write_atomically(self._folder / INDEX, index.write_parquet)

    def drop_strays(self) -> None:
        """Delete the shards that no row points to."""
        wanted = {shard_name(row.shard) for row in self.rows.values()}
        for path in self._folder.glob("shard-*.i16"):
            if path.name not in wanted:
                path.unlink()

    def next_shard(self) -> int:
        """The first shard number that was never used here."""
        on_disk = (int(path.stem.removeprefix("shard-")) for path in self._folder.glob("shard-*.i16"))
        return 1 + max([*on_disk, *(row.shard for row in self.rows.values())], default=-1)


def claim(folder: Path, settings: PackSettings) -> None:
    """Make a store of a folder, or see that the store in it was packed with the same settings.

    Raises:
        DataError: the folder holds a store of other settings or of another version.
    """
    if not (folder / SETTINGS).exists():
        content = {"schema_version": SCHEMA_VERSION, "settings": settings.model_dump()}
        write_text_atomically(folder / SETTINGS, json.dumps(content, indent=2) + "\n")
        return
    there = read_settings(folder)
    for name, wanted in settings:
        if (found := getattr(there, name)) != wanted:
            raise DataError(
                f"{folder} was packed with {name} {found} and {name} {wanted} was asked for; "
                f"ask for {name} {found}, or pack into another folder",
                folder,
            )


def read_settings(folder: Path) -> PackSettings:
    """The settings that a store was packed with.

    Raises:
        DataError: there is no store, or one of another version.
        SettingsError: its settings are damaged.
    """
    path = folder / SETTINGS
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        version = content["schema_version"]
    except OSError:
        raise DataError(f"{folder} is not a packed store: it has no {SETTINGS}; pack into it first", path) from None
    except (ValueError, KeyError, TypeError):
        raise DataError(
            f"{path} is damaged: it does not say its schema_version; pack into another folder", path
        ) from None
    if version != SCHEMA_VERSION:
        raise DataError(
            f"{folder} is a store of version {version} and this earmark reads version {SCHEMA_VERSION}; "
            "pack into another folder, or use the earmark it was packed with",
            path,
        )
    return read(PackSettings, content.get("settings"), what=str(path))


def read_index(folder: Path) -> pl.DataFrame:
    """The index of a store, in the order of its files; see `IndexRow`.

    Raises:
        DataError: there is none, or it is damaged.
    """
    path = folder / INDEX
    if not path.exists():
        raise DataError(f"{folder} holds no packed clips yet: it has no {INDEX}; pack into it first", path)
    try:
        return pl.read_parquet(path, memory_map=False).select(INDEX_COLUMNS.names()).cast(INDEX_COLUMNS)
    except (pl.exceptions.PolarsError, OSError) as error:
        first_line = str(error).splitlines()[0]
        raise DataError(f"{path} is damaged ({first_line}); delete it and pack again", path) from error


def read_quarantine(folder: Path) -> pl.DataFrame:
    """The quarantine table of a store, in the order of its files; see `QuarantineRow`.

    Raises:
        DataError: it is damaged.
    """
    path = folder / QUARANTINE
    if not path.exists():
        return pl.DataFrame(schema=QUARANTINE_COLUMNS)
    try:
        return pl.read_csv(path, schema=QUARANTINE_COLUMNS)
    except (pl.exceptions.PolarsError, OSError) as error:
        first_line = str(error).splitlines()[0]
        raise DataError(f"{path} is damaged ({first_line}); delete it and pack again", path) from error


def broken_shards(folder: Path, index: pl.DataFrame) -> list[tuple[int, int, int]]:
    """The shards that are shorter than the index says, as (shard, bytes wanted, bytes found); missing ones have 0."""
    ends = index.group_by("shard").agg((pl.col("offset_samples") + pl.col("n_samples")).max()).sort("shard")
    sizes = [(shard, end * SAMPLE_BYTES, _size_bytes(folder / shard_name(shard))) for shard, end in ends.iter_rows()]
    return [entry for entry in sizes if entry[2] < entry[1]]


def _size_bytes(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
