"""Random crops of 2 s: copied from the packed store against decoded from the files with soundfile.

Both find the same crops of the same recordings (1 to 15 s long, 44.1 kHz), in batches of 64, on one thread; it is
checked that they get the same samples. Decoding opens the file, goes to the start of the crop and reads no more than
the crop. All files lie in the system's memory after the first turn, so the disk plays no part.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from bench.row import Row, take_turns
from bench.sounds import RATE_HZ, packed, record
from earmark.data.store import Store

CROP_SAMPLES = 2 * RATE_HZ
BATCH_CLIPS = 64
Crops = Callable[[Sequence[str], NDArray[np.int64]], NDArray[np.float32]]
FORMATS = {"wav": "wav (16 bits)", "ogg": "ogg (Vorbis)"}


def measure(quick: bool = False) -> list[Row]:
    """One row a format of the files."""
    n_clips, n_crops, n_turns = (8, 32, 1) if quick else (128, 1024, 7)
    rng = np.random.default_rng(0)
    lengths_s = rng.uniform(2.5 if quick else 1.0, 4.0 if quick else 15.0, n_clips)
    rows = []
    with tempfile.TemporaryDirectory() as place:
        for audio_format, words in FORMATS.items():
            folder = Path(place, audio_format)
            folder.mkdir()
            store = packed(record(folder, lengths_s, audio_format), folder, Path(place, f"{audio_format}-store"))
            files, starts = _drawn(store, n_crops, rng)
            _must_agree(store, folder, files, starts)
            ours, theirs = take_turns(
                [
                    lambda: in_batches(partial(copied, store), files, starts),  # noqa: B023 - called in this round
                    lambda: in_batches(partial(decoded, folder), files, starts),  # noqa: B023
                ],
                n_turns,
                amount=n_crops,
            )
            rows.append(Row.of("crops from the store", f"soundfile from {words}", "crops a second", ours, theirs))
    return rows


def in_batches(crops: Crops, files: Sequence[str], starts: NDArray[np.int64]) -> None:
    """Make batches one after another, as a training does, each in memory of its own."""
    for first in range(0, len(files), BATCH_CLIPS):
        crops(files[first : first + BATCH_CLIPS], starts[first : first + BATCH_CLIPS])


def copied(store: Store, files: Sequence[str], starts: NDArray[np.int64]) -> NDArray[np.float32]:
    """Crops out of the store, [crops, samples]; beyond a clip's end there are zeros."""
    return store.read_many(files, starts, CROP_SAMPLES)


def decoded(folder: Path, files: Sequence[str], starts: NDArray[np.int64]) -> NDArray[np.float32]:
    """The peer: crops out of files, [crops, samples]; beyond a file's end there are zeros."""
    found = np.zeros((len(files), CROP_SAMPLES), np.float32)
    for name, start, place in zip(files, starts.tolist(), found, strict=True):
        with soundfile.SoundFile(folder / name) as file:
            file.seek(start)
            file.read(CROP_SAMPLES, dtype="float32", out=place[: file.frames - start])
    return found


def _drawn(store: Store, n: int, rng: np.random.Generator) -> tuple[list[str], NDArray[np.int64]]:
    """Crops that lie anywhere in their clips, or at the start of clips that are shorter."""
    names = store.table["file"].to_list()
    files = [names[i] for i in rng.integers(len(names), size=n)]
    starts = [rng.integers(0, max(0, store.n_samples(file) - CROP_SAMPLES) + 1) for file in files]
    return files, np.array(starts, dtype=np.int64)


def _must_agree(store: Store, folder: Path, files: Sequence[str], starts: NDArray[np.int64]) -> None:
    """See that the two ways give the same sounds; the store holds 16 bits."""
    furthest = np.abs(copied(store, files, starts) - decoded(folder, files, starts)).max()
    if not furthest < 1e-3:
        raise AssertionError(
            f"crops from the store and decoded ones must be the same, but they differ by {furthest:.2g}"
        )
