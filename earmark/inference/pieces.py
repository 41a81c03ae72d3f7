"""Long clips in pieces, the same pieces whether the length is known from the start or only at the end of a stream."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

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
    """The pieces of a stream of blocks, holding little more than one and a half windows and a block at a time."""
    _must_hold_a_sample(window_samples)
    held: list[NDArray[np.float32]] = []
    n_held = 0
    for block in blocks:
        held.append(block)
        n_held += len(block)
        # A window is certain to be cut once one and a half windows are there, whatever follows.
        if 2 * n_held >= 3 * window_samples:
            wave, start = np.concatenate(held), 0
            while 2 * (n_held - start) >= 3 * window_samples:
                yield wave[start : start + window_samples]
                start += window_samples
            held, n_held = [wave[start:]], n_held - start
    if n_held:
        wave = np.concatenate(held)
        for start, n in pieces(n_held, window_samples):
            yield wave[start : start + n]


def stretch_pieces(
    blocks: Iterable[NDArray[np.float32]], stretch_samples: int, window_samples: int
) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """The pieces of each stretch of a stream, with the stretch's number; the last stretch may be shorter.

    However long a stretch is, no more is held than `stream_pieces` holds.

    >>> [(number, len(piece)) for number, piece in stretch_pieces([np.zeros(8, np.float32)], 5, 4)]
    [(0, 3), (0, 2), (1, 3)]
    """
    _must_hold_a_sample(stretch_samples)
    for number, parts in groupby(_cut_at(blocks, stretch_samples), key=lambda part: part[0]):
        for piece in stream_pieces((part for _, part in parts), window_samples):
            yield number, piece


def _cut_at(blocks: Iterable[NDArray[np.float32]], stretch_samples: int) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """The blocks, cut wherever a stretch ends, with the number of the stretch that each part lies in."""
    at = 0
    for block in blocks:
        start = 0
        while start < len(block):
            n = min(len(block) - start, stretch_samples - at % stretch_samples)
            yield at // stretch_samples, block[start : start + n]
            start, at = start + n, at + n


def _must_hold_a_sample(n_samples: int) -> None:
    if n_samples < 1:
        raise SettingsError(f"a piece must hold at least one sample, got {n_samples}; ask for longer pieces")
