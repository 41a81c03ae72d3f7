"""What a recording is, what can be wrong with it, and what reads it.

Samples are float32 with full scale at ±1 and axes [frames, channels]; a *frame* is one sample of every channel.
Times are in seconds from the start of the file.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

from earmark.core.errors import DataError

Reason = Literal[
    "missing", "unreadable", "zero_frames", "too_short", "truncated", "not_finite", "absurd_level", "silent"
]
"""Why a file cannot be used as it is.

missing       there is no such file
unreadable    it cannot be opened, or it is not audio that an installed decoder knows
zero_frames   it is audio and holds not one sample
too_short     it ends before the wanted part begins, or is shorter than the shortest clip that is packed
truncated     it holds less audio than its header promises: a copy or a recording was cut off
not_finite    some of its samples are not finite numbers
absurd_level  some of its samples are so far beyond full scale that they are no sound
silent        it is silent from end to end (a remark more than a fault: such clips are kept unless told otherwise)
"""

AV_EXTRA = 'pip install "earmark[av]"'
"""The command that adds the decoder for what libsndfile does not know."""


class BadAudio(DataError):  # noqa: N818 - a state of a file, like Diverged
    """A file that cannot be used as audio; ``reason`` is one word, ``detail`` the words for people."""

    def __init__(self, reason: Reason, detail: str, path: str | Path) -> None:
        self.reason = reason
        self.detail = detail
        super().__init__(f"{path} cannot be used: {detail}", path)

    def __reduce__(self) -> tuple[type[BadAudio], tuple[Reason, str, str | Path]]:
        """Travel between processes whole."""
        return BadAudio, (self.reason, self.detail, str(self.path))


@dataclass(frozen=True)
class AudioInfo:
    """What a file holds, before resampling and mixing down.

    Attributes:
        rate_hz: frames a second.
        n_frames: samples of each channel, 0 is possible; of MPEG audio, whose header counts what went into the coder,
            up to two packets (2304) fewer may come out.
        n_channels: at least 1.
        format: the container ("WAV", "OGG", "mov,mp4,m4a,3gp,3g2,mj2", ...), as its decoder calls it.
        subtype: the coding ("PCM_16", "VORBIS", "amrnb", ...), as its decoder calls it.
    """

    rate_hz: int
    n_frames: int
    n_channels: int
    format: str
    subtype: str

    @property
    def seconds(self) -> float:
        """The length of the recording."""
        return self.n_frames / self.rate_hz


class Reader(ABC):
    """An open audio file, read from front to back."""

    path: Path
    rate_hz: int
    n_channels: int
    format: str
    subtype: str
    n_frames: int | None
    """How many frames the file says it has; None where its header does not say, or cannot be believed."""

    @abstractmethod
    def frames(self, start: int, end: int | None, n_at_once: int) -> Iterator[NDArray[np.float32]]:
        """Yield the frames from ``start`` to ``end`` (None: all that follow) as arrays [frames, channels].

        Args:
            start: the first frame, from 0.
            end: the frame after the last; beyond the end of the file means its end.
            n_at_once: no array is longer than this.

        Raises:
            BadAudio: unreadable or truncated, possibly after some arrays were yielded.
        """

    @abstractmethod
    def close(self) -> None:
        """Let the file go."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
