"""Every clip of a manifest, measured: one row a clip, in the order of their ids.

A *set* is what the audit compares: the training clips by origin (curated, noisy, unlabelled) and the test clips.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import polars as pl
from numpy.typing import NDArray

from earmark.audit.kept import Kept
from earmark.audit.measures import MEASURES
from earmark.audit.meter import Measured, Meter
from earmark.audit.settings import AuditSettings
from earmark.core.manifest import Manifest
from earmark.data.clips import Clips
from earmark.data.prefetch import prefetch

Track = Callable[[Iterable[int], int, str], Iterable[int]]

SETS = ("curated", "noisy", "unlabelled", "test")
"""The names of the sets, in the order in which they are shown."""

_SAVE_EVERY_S = 20.0


@dataclass(frozen=True, eq=False)
class Survey:
    """What was measured; arrays have one row a clip.

    Args:
        clips: where the audio of each clip lies.
        table: ``id``, ``set``, ``part``, ``origin``, ``fold``, ``group`` (the clip itself where it has none), ``key``
            (equal for equal samples) and a column for each of `MEASURES`.
        spectrum_db, mean_db, std_db: [clips, bands], as in `Measured`.
        centres_hz: [bands].
    """

    clips: Clips
    table: pl.DataFrame
    spectrum_db: NDArray[np.float32]
    mean_db: NDArray[np.float32]
    std_db: NDArray[np.float32]
    centres_hz: NDArray[np.float64]

    def __len__(self) -> int:
        return self.table.height

    @property
    def ids(self) -> tuple[str, ...]:
        """The names of the clips."""
        return self.clips.ids

    @property
    def sets(self) -> dict[str, NDArray[np.int64]]:
        """The rows of each set that has any."""
        names = self.table["set"].to_numpy()
        found = {name: np.flatnonzero(names == name) for name in SETS}
        return {name: rows for name, rows in found.items() if len(rows)}

    def coloured_db(self) -> NDArray[np.float32]:
        """[clips, bands]: the spectra without the level, which a gain does not change."""
        total = 10 * np.log10(np.power(10.0, self.spectrum_db / 10).sum(axis=1, keepdims=True))
        return np.asarray(self.spectrum_db - total, np.float32)

    def texture(self) -> NDArray[np.float32]:
        """[clips, 2 x bands]: mean (without the level) and spread over time of each band."""
        level = self.mean_db.mean(axis=1, keepdims=True)
        return np.concatenate([self.mean_db - level, self.std_db], axis=1)


def set_of() -> pl.Expr:
    """The set of a clip of a manifest."""
    return pl.when(pl.col("part") == "test").then(pl.lit("test")).otherwise(pl.col("origin")).alias("set")


def survey(
    manifest: Manifest,
    clips: Clips,
    kept: Kept,
    *,
    workers: int = 1,
    track: Track = lambda numbers, total, what: numbers,
) -> Survey:
    """Measure every clip that was not measured before.

    Args:
        manifest: what is known of the clips.
        clips: those of them that can be read.
        kept: what was measured before; it is saved every few seconds, and whatever ends the work.
        workers: threads.
        track: shows progress; counts clips.
    """
    meter = Meter(clips.store.rate_hz)
    keys: list[str] = []

    def heard(row: int) -> tuple[str, Measured]:
        blocks = partial(blocks_of, clips, row)
        key = meter.key(blocks)
        return key, kept[key] if key in kept else meter.measure(blocks)

    rows = track(range(len(clips)), len(clips), "measure")
    save_at = time.monotonic() + _SAVE_EVERY_S
    try:
        for key, measured in prefetch(heard, rows, ahead=4 * workers, workers=workers):
            keys.append(key)
            kept.add(key, measured)
            if time.monotonic() > save_at:
                kept.save()
                save_at = time.monotonic() + _SAVE_EVERY_S
    finally:
        kept.save()
    kept.tidy()
    found = [kept[key] for key in keys]
    known = pl.DataFrame({"id": clips.ids}).join(manifest.clips, on="id", how="left", maintain_order="left")
    table = known.select(
        "id", set_of(), "part", "origin", "fold", group=pl.coalesce("group", "id"), key=pl.Series(keys)
    ).with_columns(pl.Series(name, [each.values[name] for each in found]) for name in MEASURES)
    spectrum, mean, std = (
        np.stack([getattr(each, name) for each in found]) for name in ("spectrum_db", "mean_db", "std_db")
    )
    return Survey(clips, table, spectrum, mean, std, meter.centres_hz)


def blocks_of(clips: Clips, row: int, n_at_once: int) -> Iterator[NDArray[np.float32]]:
    """The samples of a clip in blocks."""
    start, n = int(clips.starts[row]), int(clips.n_samples[row])
    for at in range(0, n, n_at_once):
        yield clips.store.read(clips.files[row], start + at, min(n_at_once, n - at))


def workers_of(settings: AuditSettings) -> int:
    """How many threads to use."""
    # The processors that this process may use, which on a shared machine are fewer than there are.
    n = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return settings.workers or n
