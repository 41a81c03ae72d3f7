"""Clips of a manifest as they lie in a store: spans to read, in samples.

A manifest speaks of files and seconds, a store of packed files and samples; this is where the two meet, once,
before any batch is made. Clips whose file is in quarantine, or ends before they begin, are left out and counted, never
replaced.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from earmark.core.errors import DataError
from earmark.core.manifest import ORIGINS, Manifest
from earmark.data.store import Store


@dataclass(frozen=True, eq=False)
class Clips:
    """Readable clips with their labels, one row each, in the order of their ids.

    Args:
        ids: names.
        files: names of the packed files.
        starts: first sample of each clip in its file.
        n_samples: length of each clip.
        targets: [clips, classes].
        known: [clips, classes].
        origins: index into `ORIGINS`.
        missing: ids that the store does not hold.
    """

    store: Store
    ids: tuple[str, ...]
    files: tuple[str, ...]
    starts: NDArray[np.int64]
    n_samples: NDArray[np.int64]
    targets: NDArray[np.float32]
    known: NDArray[np.bool_]
    origins: NDArray[np.int64]
    missing: tuple[str, ...]

    @classmethod
    def of(cls, manifest: Manifest, store: Store) -> Clips:
        """The clips of a manifest that the store holds.

        Raises:
            DataError: the store holds none of them.
        """
        table = manifest.clips
        held = [file in store for file in table["file"]]
        whole = np.array([store.n_samples(f) if h else 0 for f, h in zip(table["file"], held, strict=True)], np.int64)
        starts = np.minimum(np.round(table["start_s"].to_numpy() * store.rate_hz).astype(np.int64), whole)
        ends = np.round(table["end_s"].fill_null(np.inf).to_numpy() * store.rate_hz)
        n_samples = np.minimum(ends, whole).astype(np.int64) - starts
        there = n_samples > 0  # no clip: its file is not in the store, or ends before the clip begins
        missing = tuple(table.filter(~there)["id"])
        table = table.filter(there)
        if not table.height and len(manifest):
            raise _none_there(manifest, store)
        ids = tuple(table["id"])
        targets, known = manifest.targets(ids)
        origins = np.array([ORIGINS.index(origin) for origin in table["origin"]], dtype=np.int64)
        return cls(store, ids, tuple(table["file"]), starts[there], n_samples[there], targets, known, origins, missing)

    def __len__(self) -> int:
        return len(self.ids)

    def rows(self, chosen: Sequence[int] | NDArray[np.int64]) -> Clips:
        """Some of the clips."""
        index = np.asarray(chosen, dtype=np.int64)
        return Clips(
            self.store,
            tuple(self.ids[i] for i in index),
            tuple(self.files[i] for i in index),
            self.starts[index],
            self.n_samples[index],
            self.targets[index],
            self.known[index],
            self.origins[index],
            self.missing,
        )


def _none_there(manifest: Manifest, store: Store) -> DataError:
    """The fault of clips none of which can be read: not packed yet, or packed in vain."""
    n_clips, files = len(manifest), manifest.clips["file"].unique()
    bad = store.quarantine.filter(~pl.col("kept") & pl.col("file").is_in(files.implode()))
    if bad.height == len(files):
        return DataError(
            f"all {n_clips} clips are in quarantine, first '{bad['file'][0]}': {bad['detail'][0]}; mend the files and "
            "pack them again"
        )
    return DataError(f"none of {n_clips} clips is in the store '{store.folder}'; pack them first")
