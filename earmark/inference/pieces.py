"""Long clips in pieces, the same pieces whether the length is known from the start or only at the end of a stream."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from earmark.core.errors import DataError, SettingsError


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


def slices(n_samples: int, length: int, hop: int, *, where: str, most: int | None) -> list[tuple[int, int]]:
    """Start and length of parts of one length; a clip that is no longer than that is one part.

    Args:
        hop: samples from one part to the next; the last one is moved back to end with the clip.
        where: ``start`` or ``end``: where parts are laid from; ``even`` spreads ``most`` of them evenly.
        most: how many there are at the most; the others are left out.

    >>> slices(10, 4, 4, where="start", most=None)
    [(0, 4), (4, 4), (6, 4)]
    >>> slices(10, 4, 4, where="end", most=2)
    [(2, 4), (6, 4)]
    >>> slices(10, 4, 4, where="even", most=3)
    [(0, 4), (3, 4), (6, 4)]
    """
    _must_hold_a_sample(length)
    room = n_samples - length
    if room <= 0:
        return [(0, n_samples)]
    if where == "even":
        places = np.linspace(0, room, most or 1) if (most or 1) > 1 else np.array([room / 2])
        starts = [round(place) for place in places.tolist()]
    else:
        starts = [min(number * hop, room) for number in range(-(-room // hop) + 1)][:most]
    if where == "end":
        starts = [room - start for start in reversed(starts)]
    return [(start, length) for start in dict.fromkeys(starts)]


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


def stream_spans(
    blocks: Iterable[NDArray[np.float32]], spans: Sequence[tuple[int, int]]
) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Parts of a stream as soon as they are complete, each with its place among ``spans`` (start and length).

    No more is held than the parts that are being waited for, and a block.

    Raises:
        DataError: the stream ends before one of them does.

    >>> blocks = [np.arange(3, dtype=np.float32), np.arange(3, 6, dtype=np.float32)]
    >>> [(place, part.tolist()) for place, part in stream_spans(blocks, [(2, 3), (0, 2)])]
    [(1, [0.0, 1.0]), (0, [2.0, 3.0, 4.0])]
    """
    due = sorted(range(len(spans)), key=lambda place: spans[place])[::-1]
    awaited: list[int] = []
    held, at = np.zeros(0, np.float32), 0
    for block in blocks:
        held = np.concatenate([held, block])
        end = at + len(held)
        while due and spans[due[-1]][0] < end:
            awaited.append(due.pop())
        for place in awaited:
            start, n = spans[place]
            if start + n <= end:
                yield place, held[start - at : start - at + n]
        awaited = [place for place in awaited if sum(spans[place]) > end]
        first = min([spans[place][0] for place in (*awaited, *due[-1:])], default=end)
        drop = min(first, end) - at
        held, at = held[drop:], at + drop
    if due or awaited:
        raise DataError(
            f"the audio ends after {at + len(held)} samples, before all that was to be heard; hear it again"
        )


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
