"""Long clips in pieces, the same pieces whether the length is known from the start or only at the end of a stream."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from earmark.core.errors import SettingsError


def pieces(n_samples: int, window_samples: int) -> list[tuple[int, int]]:
    """Start and length of the pieces of a clip: whole windows, and an end without a sliver.

    While one and a half windows are left, a window is cut; what is then longer than a window is halved.

    >>> pieces(100, 45)
    [(0, 45), (45, 28), (73, 27)]
    >>> pieces(40, 40)
    [(0, 40)]
    """
    _must_hold_a_sample(window_samples)
    found, start = [], 0
    while 2 * (n_samples - start) >= 3 * window_samples:
        found.append((start, window_samples))
        start += window_samples
    left = n_samples - start
    if left > window_samples:
        return [*found, (start, (left + 1) // 2), (start + (left + 1) // 2, left // 2)]
    return [*found, (start, left)] if left or not found else found


def stream_pieces(blocks: Iterable[NDArray[np.float32]], window_samples: int) -> Iterator[NDArray[np.float32]]:
    """The pieces of a stream of blocks, holding little more than one and a half windows at a time."""
    _must_hold_a_sample(window_samples)
    held = np.zeros(0, np.float32)
    for block in blocks:
        held = np.concatenate([held, block])
        # A window is certain to be cut once one and a half windows are there, whatever follows.
        while 2 * len(held) >= 3 * window_samples:
            yield held[:window_samples]
            held = held[window_samples:]
    for start, n in pieces(len(held), window_samples) if len(held) else []:
        yield held[start : start + n]


def even_pieces(blocks: Iterable[NDArray[np.float32]], n_samples: int) -> Iterator[NDArray[np.float32]]:
    """Stretches of one length from a stream; the last one may be shorter.

    >>> [len(piece) for piece in even_pieces([np.zeros(5, np.float32), np.zeros(2, np.float32)], 3)]
    [3, 3, 1]
    """
    _must_hold_a_sample(n_samples)
    held = np.zeros(0, np.float32)
    for block in blocks:
        held = np.concatenate([held, block])
        while len(held) >= n_samples:
            yield held[:n_samples]
            held = held[n_samples:]
    if len(held):
        yield held


def _must_hold_a_sample(n_samples: int) -> None:
    if n_samples < 1:
        raise SettingsError(f"a piece must hold at least one sample, got {n_samples}; ask for longer pieces")
