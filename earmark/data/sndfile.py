"""Reading with libsndfile: wav, flac, ogg, opus, mp3, aiff and their kin, and no more than is true of them.

What the wrapper and the library leave to their users, and this module does:

* A cut-off wav is opened as a shorter wav, without a word; the header's promise is found in libsndfile's own log.
* The python wrapper seeks after each read, and seeking in MP3 loses the decoder's memory of earlier frames, so blocks
  would differ from one long read. Nothing is sought here between reads.
* Seeking in Ogg lands up to a thousand frames off near the end of a file, so Ogg is read from its start.
* An MP3 of variable bit rate without a length tag is believed to be as long as its first frame suggests, and the rest
  is withheld. Such files are marked with a ``doubt``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from earmark.data.audio import AV_EXTRA, BadAudio, Reader

_PROMISE = re.compile(r"^\s*(?:data|SSND|Data Size|riff|Riff size)\s*:\s*(\d+) \(should be (\d+)\)", re.MULTILINE)
# Recorders that write to a pipe cannot come back to fill in the length: they leave the largest number they know.
_UNKNOWN_BYTES = 0x7F000000
# Some writers count the header into the length of the data: no sound is missing for that.
_BOOKKEEPING_BYTES = 64
# MPEG audio comes in packets of up to 1152 frames, and the first and the last may be lost to the decoder.
_MPEG_SLACK_FRAMES = 2304
# How much of an MP3 without a length tag may be left over when its estimated end is reached, beside 2 % of its size.
_LEFT_OVER_BYTES = 4096
_ENDLESS = 1 << 62


class _Sequential(soundfile.SoundFile):  # type: ignore[misc]
    """A sound file that stays where it is after a read."""

    def seekable(self) -> bool:
        return False


class SndfileReader(Reader):
    """A file opened by libsndfile.

    ``doubt`` says in words why the end of the file may be out of libsndfile's reach; it is empty for most files.

    Raises:
        soundfile.LibsndfileError: libsndfile does not know this file.
        BadAudio: unreadable, for it has no header.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.doubt = ""
        self._handle = path.open("rb")
        try:
            self._file = _Sequential(self._handle)
        except TypeError:  # soundfile asks for the rate of what is called .raw
            self._handle.close()
            detail = "a name in .raw means samples without a header, whose rate and form are not known; make it a wav"
            raise BadAudio("unreadable", detail, path) from None
        except BaseException:
            self._handle.close()
            raise
        self.rate_hz = int(self._file.samplerate)
        self.n_channels = int(self._file.channels)
        self.format = str(self._file.format)
        self.subtype = str(self._file.subtype)
        self.n_frames = int(self._file.frames)
        if self.n_frames >= _ENDLESS:
            self.n_frames = None  # a FLAC that was written to a pipe does not know its length
        elif self.format == "MP3" and not _has_length_tag(path):
            self.n_frames, self.doubt = None, "it is an MP3 without a length tag"

    def close(self) -> None:
        self._file.close()
        self._handle.close()

    def frames(self, start: int, end: int | None, n_at_once: int) -> Iterator[NDArray[np.float32]]:
        believed = int(self._file.frames)  # libsndfile gives no more than this, and nothing good when asked for more
        to_the_end = end is None or end > believed
        stop = believed if end is None else min(end, believed)
        if to_the_end:
            self._refuse_if_cut_off()
        at = self._skip(start, n_at_once)
        while at < stop:
            block = self._read(at, min(n_at_once, stop - at))
            if not len(block):
                break
            at += len(block)
            yield block
        slack = _MPEG_SLACK_FRAMES if self.subtype.startswith("MPEG") else 0
        if self.n_frames is not None and stop - at > slack:
            raise self._short(at)
        if self.doubt and to_the_end and self._handle.tell() < self.path.stat().st_size * 0.98 - _LEFT_OVER_BYTES:
            raise self._short(at)

    def _skip(self, start: int, n_at_once: int) -> int:
        if self.format != "OGG":
            return int(self._file.seek(start)) if start else 0
        at = 0
        while at < start and (n := len(self._read(at, min(n_at_once, start - at)))):
            at += n
        return at

    def _read(self, at: int, n_frames: int) -> NDArray[np.float32]:
        try:
            block: NDArray[np.float32] = self._file.read(n_frames, dtype="float32", always_2d=True)
        except soundfile.LibsndfileError as error:
            raise self._short(at, error.error_string) from error
        return block

    def _short(self, at: int, words: str = "") -> BadAudio:
        """The fault of a file whose decoding ended at frame ``at``, before its end."""
        words = f" ({words})" if words else ""
        if self.doubt:
            detail = f"{self.doubt}, and libsndfile stops before its end{words}; {AV_EXTRA} and try again"
            return BadAudio("unreadable", detail, self.path)
        promise = "" if self.n_frames is None else f"its header promises {self.n_frames} frames and "
        detail = f"{promise}the decoder stops after about {at} frames{words}"
        return BadAudio("truncated", detail, self.path)

    def _refuse_if_cut_off(self) -> None:
        for match in _PROMISE.finditer(self._file.extra_info):
            promised, found = int(match[1]), int(match[2])
            if self.n_frames and found + _BOOKKEEPING_BYTES < promised < _UNKNOWN_BYTES:
                detail = f"its header promises {promised} bytes of audio and the file holds {found}"
                raise BadAudio("truncated", detail, self.path)


def _has_length_tag(path: Path) -> bool:
    """Whether the first frame of an MP3 file says how many follow (the tags of Xing, LAME and Fraunhofer)."""
    with path.open("rb") as handle:
        head = handle.read(10)
        # An ID3 tag comes first; its length is written in four bytes of seven bits.
        skip = 10 + sum(byte << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=False))
        handle.seek(skip if head[:3] == b"ID3" else 0)
        first = handle.read(4096)
    return any(tag in first for tag in (b"Xing", b"Info", b"VBRI"))
