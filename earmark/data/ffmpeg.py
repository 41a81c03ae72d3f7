"""Reading with FFmpeg by way of PyAV: phone recordings, aac, m4a, wma, the sound of a video. Needs the ``av`` extra.

Only files are opened: a playlist that names addresses on a network is refused by FFmpeg itself.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from earmark.data.audio import BadAudio, Reader


def pyav() -> Any | None:
    """The module ``av``, or None where the extra is not installed."""
    try:
        return importlib.import_module("av")
    except ImportError:
        return None


class FfmpegReader(Reader):
    """The first audio stream of a file, decoded by FFmpeg.

    Args:
        path: the file.
        av: the module ``av``, from `pyav`.

    Raises:
        BadAudio: unreadable, with FFmpeg's own words.
    """

    def __init__(self, path: Path, av: Any) -> None:
        self.path = path
        self._av = av
        try:
            # Titles in other encodings than UTF-8 are common, and nobody reads them here.
            self._container = av.open(str(path), options={"protocol_whitelist": "file"}, metadata_errors="replace")
        except (av.error.FFmpegError, ValueError) as error:
            raise BadAudio("unreadable", f"FFmpeg says: {getattr(error, 'strerror', None) or error}", path) from error
        if not self._container.streams.audio:
            self._container.close()
            raise BadAudio("unreadable", "FFmpeg finds no sound in it", path)
        self._stream = self._container.streams.audio[0]
        codec = self._stream.codec_context
        if codec is None or not codec.sample_rate or not codec.channels:
            self._container.close()
            raise BadAudio("unreadable", "FFmpeg finds a sound stream in it of a kind that it cannot decode", path)
        self.rate_hz = int(codec.sample_rate)
        self.n_channels = int(codec.channels)
        self.format = str(self._container.format.name)
        self.subtype = str(codec.name)
        # The duration that a container states counts padding of the coder, or is an estimate: decoding tells.
        self.n_frames = None

    def close(self) -> None:
        self._container.close()

    def frames(self, start: int, end: int | None, n_at_once: int) -> Iterator[NDArray[np.float32]]:
        # Read from the front: seeking lands on packets, and what a packet sounds like depends on those before it.
        at = 0
        for block in self._decoded():
            kept = block[max(0, start - at) : len(block) if end is None else max(0, end - at)]
            at += len(block)
            for first in range(0, len(kept), n_at_once):
                yield kept[first : first + n_at_once]
            if end is not None and at >= end:
                return

    def _decoded(self) -> Iterator[NDArray[np.float32]]:
        to_float = self._av.AudioResampler(format="fltp")
        at = 0
        try:
            for packet in self._container.decode(self._stream):
                for frame in to_float.resample(packet):
                    block: NDArray[np.float32] = frame.to_ndarray().T
                    at += len(block)
                    yield block
        except (self._av.error.FFmpegError, ValueError) as error:
            words = getattr(error, "strerror", None) or error
            raise BadAudio(
                "unreadable", f"FFmpeg stops after {at / self.rate_hz:.2f} s of it: {words}", self.path
            ) from error
