"""Writing clips into a shard: a file of int16 samples, one clip behind the other, that one process appends to.

A sample of a clip is ``int16 * scale / 32768``. The scale is 1, which is exact for files of 16 bits at the store's
rate, except for clips that overshoot full scale (lossy coders do that): theirs is their peak, so that nothing clips.
Every number is little-endian. What has been appended is not changed any more.
"""

from __future__ import annotations

import math
from io import FileIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from earmark.data.audio import BadAudio, Reason
from earmark.data.decoding import blocks, open_audio, signal
from earmark.data.pack_settings import PackSettings
from earmark.data.trimming import Ends

SAMPLE_BYTES = 2
_FULL_SCALE = 32768
# Blocks of a clip are kept until its peak is known, up to this many samples (32 MB); longer clips are decoded again.
_MOST_HELD_SAMPLES = 1 << 23


class Job(NamedTuple):
    """One file to pack: its name in the store, where it lies and how large it is."""

    file: str
    source: str
    n_bytes: int


class IndexRow(NamedTuple):
    """Where a clip lies in the store, and what its source was."""

    file: str
    shard: int
    offset_samples: int
    n_samples: int
    scale: float
    source_rate_hz: int
    source_channels: int
    source_bytes: int
    source_mtime_ns: int
    silent: bool
    peak: float


class QuarantineRow(NamedTuple):
    """A file that is not in the store, or (``kept``) one that is and deserves a remark.

    Size and time are -1 for a file that is missing.
    """

    file: str
    reason: Reason
    detail: str
    kept: bool
    source_bytes: int
    source_mtime_ns: int


class Outcome(NamedTuple):
    """What came of one file: a row of the index, or one of the quarantine table, or (a silent clip kept) both."""

    file: str
    packed: IndexRow | None
    quarantined: QuarantineRow | None


def shard_name(shard: int) -> str:
    """The file name of a shard.

    >>> shard_name(7)
    'shard-00007.i16'
    """
    return f"shard-{shard:05d}.i16"


class ShardWriter:
    """Appends clips to one new shard; the file is made with its first clip."""

    def __init__(self, folder: Path, shard: int, settings: PackSettings) -> None:
        self._path = folder / shard_name(shard)
        self._shard = shard
        self._settings = settings
        self._n_samples = 0
        self._handle: FileIO | None = None

    def append(self, job: Job) -> Outcome:
        """Decode one file and write it behind the clips that are already there; a bad file is an outcome, not an error.

        Raises:
            OSError: the disk is full or broken; the shard ends with its last whole clip.
        """
        size, mtime_ns = stamp(job.source)
        end = self._n_samples
        try:
            take = self._write(job.source)
            reason, detail, kept = _remark(take, self._settings)
            if kept:
                end += take.last
        except BadAudio as bad:
            reason, detail, kept = bad.reason, bad.detail, False
        finally:
            self._cut(end)
        remark = QuarantineRow(job.file, reason, detail, kept, size, mtime_ns) if reason else None
        if not kept:
            return Outcome(job.file, None, remark)
        where = (self._shard, self._n_samples + take.first, take.last - take.first)
        self._n_samples = end
        packed = IndexRow(job.file, *where, take.scale, *take.source, size, mtime_ns, reason == "silent", take.peak)
        return Outcome(job.file, packed, remark)

    def close(self) -> None:
        """Let the shard go."""
        if self._handle is not None:
            self._handle.close()

    def _write(self, source: str) -> _Take:
        """Write a clip, decoding it once more only if it is both long and louder than full scale."""
        rate_hz, trim_db = self._settings.rate_hz, self._settings.trim_db
        ends = Ends()
        held: list[NDArray[np.float32]] = []
        n_samples, peak = 0, 0.0
        with open_audio(source) as reader:
            of_source = (reader.rate_hz, reader.n_channels)
            for block in signal(reader, rate_hz):
                self._put(block, n_samples, 1.0)
                n_samples += len(block)
                peak = max(peak, float(block.max()), -float(block.min()))
                if trim_db is not None:
                    ends.add(block)
                held.append(block)
                if n_samples > _MOST_HELD_SAMPLES:
                    held.clear()
        scale = 1.0
        if peak > 1.0:
            scale = peak * _FULL_SCALE / (_FULL_SCALE - 1)
            at = 0
            for block in held or blocks(source, rate_hz):
                self._put(block, at, scale)
                at += len(block)
        first, last = (0, n_samples) if trim_db is None or not n_samples else ends.found(trim_db)
        return _Take(n_samples, first, last, scale, of_source, peak)

    def _put(self, block: NDArray[np.float32], at: int, scale: float) -> None:
        """Write a block of the clip that begins at the shard's end, ``at`` samples into the clip."""
        if self._handle is None:
            self._handle = self._path.open("xb", buffering=0)
        whole = np.rint(block * np.float32(_FULL_SCALE / scale)).clip(-_FULL_SCALE, _FULL_SCALE - 1)
        left = memoryview(whole.astype("<i2")).cast("B")
        self._handle.seek((self._n_samples + at) * SAMPLE_BYTES)
        while left:
            left = left[self._handle.write(left) or 0 :]

    def _cut(self, end: int) -> None:
        """Drop what lies beyond ``end``: a clip that was refused, or the quiet behind a clip."""
        if self._handle is not None:
            self._handle.truncate(end * SAMPLE_BYTES)


class _Take(NamedTuple):
    """One clip as it was decoded; ``first`` and ``last`` bound what trimming leaves of it."""

    n_samples: int
    first: int
    last: int
    scale: float
    source: tuple[int, int]
    peak: float


def _remark(take: _Take, settings: PackSettings) -> tuple[Reason | None, str, bool]:
    """What is to be said of a clip, as reason and detail, and whether it may stay in the store."""
    length_s = take.n_samples / settings.rate_hz
    if not take.n_samples or length_s < settings.shortest_s:
        wanted = f"clips shorter than {settings.shortest_s * 1000:g} ms are left out"
        return "too_short", f"it is {length_s * 1000:.2f} ms long, and {wanted}", False
    level_db = 20 * math.log10(take.peak) if take.peak else -math.inf
    if level_db == -math.inf or (settings.silence_db is not None and level_db < settings.silence_db):
        words = f"its peak is {level_db:.1f} dB of full scale" if take.peak else "every sample is zero"
        return "silent", words, settings.on_silence == "keep"
    return None, "", True


def stamp(source: str | Path) -> tuple[int, int]:
    """Size in bytes and time of last change in ns, by which a changed file is known; -1, -1 for one that is missing."""
    try:
        status = Path(source).stat()
    except (OSError, ValueError):
        return -1, -1
    return status.st_size, status.st_mtime_ns
