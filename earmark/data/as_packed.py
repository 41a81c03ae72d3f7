"""What a packed store would hold of a file, as a stream, for use on files that nobody has packed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from earmark.data.decoding import blocks
from earmark.data.pack_settings import PackSettings
from earmark.data.trimming import Ends


def blocks_as_packed(path: str | Path, settings: PackSettings) -> Iterator[NDArray[np.float32]]:
    """Decode a file as packing would: at its rate, and without the quiet ends where it trims.

    Trimming needs to know the loudest frame of all, so the file is then decoded twice rather than held.

    Raises:
        BadAudio: as `earmark.data.decoding.blocks`.
    """
    stream = blocks(path, settings.rate_hz)
    if settings.trim_db is None:
        return stream
    ends = Ends()
    for block in stream:
        ends.add(block)
    return _between(blocks(path, settings.rate_hz), *ends.found(settings.trim_db))


def _between(stream: Iterable[NDArray[np.float32]], first: int, last: int) -> Iterator[NDArray[np.float32]]:
    place = 0
    for block in stream:
        part = block[max(0, first - place) : max(0, last - place)]
        place += len(block)
        if len(part):
            yield part
