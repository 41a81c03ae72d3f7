"""From an audio file to a mono signal at one rate, in blocks, so that a recording of any length fits in memory.

A signal is float32, full scale at ±1, axes [samples]; several channels are averaged. libsndfile decodes what it knows,
FFmpeg the rest where the ``av`` extra is installed, soxr resamples (quality HQ, good for 16 bits). Blocks put
together are the same numbers as the whole file resampled at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from earmark.core.errors import DataError, SettingsError
from earmark.data.audio import AV_EXTRA, AudioInfo, BadAudio, Reader, Reason
from earmark.data.ffmpeg import FfmpegReader, pyav
from earmark.data.sndfile import SndfileReader

__all__ = ["AudioInfo", "BadAudio", "Reason", "blocks", "decode", "open_audio", "probe", "signal"]

# However many channels and whatever the rate, this many numbers (16 MB) are decoded at once and no more.
_MOST_VALUES = 1 << 22
# Whale recorders go down to 250 Hz; a damaged header that says 1 Hz would fill the disk with what is resampled from it.
_LOWEST_HZ = 100
# 140 dB above full scale. Numbers of 16 or 24 bits that nobody scaled to ±1 lie below and can be learnt from; what lies
# above is a damaged file, whose loud samples would leave nothing of the others in 16 bits.
_HIGHEST = 1e7


def probe(path: str | Path) -> AudioInfo:
    """Say what a file holds.

    The header tells at once; files whose header does not say how long they are (or is known to be wrong about it) are
    decoded to be counted.

    Raises:
        BadAudio: missing or unreadable.
    """
    with open_audio(path) as reader:
        n_frames = reader.n_frames
        if n_frames is None:
            n_frames = sum(len(block) for block in reader.frames(0, None, _at_once(reader, 30.0)))
        return AudioInfo(reader.rate_hz, n_frames, reader.n_channels, reader.format, reader.subtype)


def decode(path: str | Path, rate_hz: int, start_s: float = 0.0, end_s: float | None = None) -> NDArray[np.float32]:
    """Decode a file, or a part of it, whole.

    Args:
        path: the file.
        rate_hz: the rate of the result, whatever that of the file.
        start_s: where the part begins.
        end_s: where it ends; None, or a time beyond the end, means the end of the file.

    Returns:
        The mono signal, [samples].

    Raises:
        BadAudio: see `Reason`.
        DataError: the part ends before it begins.
    """
    parts = list(blocks(path, rate_hz, start_s=start_s, end_s=end_s))
    return np.concatenate(parts) if parts else np.zeros(0, np.float32)


def blocks(
    path: str | Path, rate_hz: int, *, start_s: float = 0.0, end_s: float | None = None, block_s: float = 30.0
) -> Iterator[NDArray[np.float32]]:
    """Decode a file, or a part of it, as a stream of mono blocks of uneven length, none of them empty.

    Outside of the part the resampler hears silence, as it does outside of the file.

    Args:
        path: the file.
        rate_hz: the rate of the result, whatever that of the file.
        start_s: where the part begins.
        end_s: where it ends; None, or a time beyond the end, means the end of the file.
        block_s: about how long a block is at most.

    Raises:
        BadAudio: see `Reason`; ``truncated``, ``not_finite``, ``absurd_level`` and ``unreadable`` may come after some
                blocks.
        DataError: the part ends before it begins.
    """
    with open_audio(path) as reader:
        yield from signal(reader, rate_hz, start_s=start_s, end_s=end_s, block_s=block_s)


def open_audio(path: str | Path) -> Reader:
    """Open a file with the first decoder that knows it; close it, or use it in a ``with`` statement.

    Raises:
        BadAudio: missing or unreadable, with the words of the decoders that were tried.
    """
    path = Path(path)
    _must_be_readable(path)
    try:
        reader = SndfileReader(path)
    except soundfile.LibsndfileError as error:
        words = error.error_string.rstrip(". ")
    else:
        if not reader.doubt or (av := pyav()) is None:
            return reader
        reader.close()
        return FfmpegReader(path, av)
    if (av := pyav()) is None:
        hint = f"if it is a phone recording or a video, {AV_EXTRA} and try again"
        raise BadAudio("unreadable", f"libsndfile says: {words}; {hint}", path)
    try:
        return FfmpegReader(path, av)
    except BadAudio as bad:
        raise BadAudio("unreadable", f"libsndfile says: {words}; {bad.detail}", path) from bad


def signal(
    reader: Reader, rate_hz: int, *, start_s: float = 0.0, end_s: float | None = None, block_s: float = 30.0
) -> Iterator[NDArray[np.float32]]:
    """What `blocks` yields, from a file that is already open and has not been read from."""
    if rate_hz <= 0:
        raise SettingsError(f"a rate in Hz must be positive, got {rate_hz}")
    start, end = round(start_s * reader.rate_hz), None if end_s is None else round(end_s * reader.rate_hz)
    if start < 0 or (end is not None and end < start):
        raise DataError(
            f"a part of {reader.path} was asked for that begins at {start_s} s and ends at {end_s} s; "
            "give 0 <= start_s <= end_s",
            reader.path,
        )
    if reader.rate_hz < _LOWEST_HZ:
        raise BadAudio("unreadable", f"its header says {reader.rate_hz} Hz, which is no rate of sound", reader.path)
    mono = _mono(reader, start, end, _at_once(reader, block_s))
    if rate_hz == reader.rate_hz:
        yield from mono
    else:
        yield from _resampled(mono, reader.rate_hz, rate_hz)


def _must_be_readable(path: Path) -> None:
    try:
        with path.open("rb") as handle:
            empty = not handle.read(1)
    except (FileNotFoundError, NotADirectoryError):
        raise BadAudio("missing", "there is no such file", path) from None
    except IsADirectoryError:
        raise BadAudio("unreadable", "it is a folder", path) from None
    except (OSError, ValueError) as error:  # ValueError: a name that no file system allows
        raise BadAudio("unreadable", f"it cannot be opened ({getattr(error, 'strerror', error)})", path) from None
    if empty:
        raise BadAudio("unreadable", "the file is empty (0 bytes)", path)


def _at_once(reader: Reader, block_s: float) -> int:
    return max(1, min(int(block_s * reader.rate_hz), _MOST_VALUES // reader.n_channels))


def _mono(reader: Reader, start: int, end: int | None, n_at_once: int) -> Iterator[NDArray[np.float32]]:
    """The mean of the channels, checked; the frames are those of the file."""
    if reader.n_frames == 0:
        raise BadAudio("zero_frames", "there is not one sample in it", reader.path)
    at = start
    if reader.n_frames is None or start < reader.n_frames:
        for block in reader.frames(start, end, n_at_once):
            if not (peak := float(np.abs(block).max(initial=0))) <= _HIGHEST:
                raise _no_sound(block, peak, at, reader)
            at += len(block)
            yield block[:, 0] if block.shape[1] == 1 else block.mean(axis=1)
    if at == start and end != start:
        if start == 0:
            raise BadAudio("zero_frames", "it decodes to not one sample", reader.path)
        raise BadAudio("too_short", f"it ends before {start / reader.rate_hz:g} s, where the clip begins", reader.path)


def _no_sound(block: NDArray[np.float32], peak: float, at: int, reader: Reader) -> BadAudio:
    """The fault of a block that begins at frame ``at`` and whose peak is not a number, or one beyond all measure."""
    good = np.abs(block) <= _HIGHEST if np.isfinite(peak) else np.isfinite(block)
    seconds = (at + int(np.argmin(good.all(axis=1)))) / reader.rate_hz
    if np.isfinite(peak):
        detail = f"from {seconds:.4f} s on its peak is {peak:.3g} times full scale, which is no level of sound"
        return BadAudio("absurd_level", detail, reader.path)
    return BadAudio("not_finite", f"its sample at {seconds:.4f} s is not a finite number", reader.path)


def _resampled(mono: Iterator[NDArray[np.float32]], from_hz: int, to_hz: int) -> Iterator[NDArray[np.float32]]:
    stream = soxr.ResampleStream(from_hz, to_hz, 1, "float32", "HQ")
    for block in mono:
        if len(out := stream.resample_chunk(np.ascontiguousarray(block))):
            yield out
    if len(out := stream.resample_chunk(np.zeros(0, np.float32), last=True)):
        yield out
