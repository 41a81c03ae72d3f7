"""Plans carried out: clips of a store, waves in memory and streams of any length, each in batches of similar lengths.

Excerpts that are looked at in the same ways go into batches together, whatever clips they are of.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from earmark.core.manifest import ORIGINS
from earmark.data.clips import Clips
from earmark.data.prefetch import prefetch
from earmark.inference.pieces import stream_spans, stretch_pieces
from earmark.inference.plan import PLAIN, Excerpt, Plan, Take, Turn, excerpts, settled

if TYPE_CHECKING:
    from earmark.inference.tagger import Tagger

_CURATED, _NOISY = ORIGINS.index("curated"), ORIGINS.index("noisy")
Wave = NDArray[np.float32]
Rows = dict[Take, NDArray[np.float32]]
"""What the network says of each take of a clip."""
Track = Callable[[Iterable[int], int, str], Iterable[int]]
Grouped = Callable[[Sequence[int]], list[NDArray[np.int64]]]
"""Places of pieces of these lengths in samples, batch by batch."""


class _Wanted(NamedTuple):
    clip: int
    excerpt: Excerpt


class Stretch(NamedTuple):
    """A part of a stream that has scores of its own."""

    n_samples: int
    logits: NDArray[np.float32]


def hear_waves(tagger: Tagger, waves: Sequence[Wave], names: Sequence[str]) -> NDArray[np.float32]:
    """Logits of clips that are in memory, [clips, classes]."""
    plans = [tagger.plan(len(wave), name) for wave, name in zip(waves, names, strict=True)]
    rows: list[Rows] = [{} for _ in plans]
    for turns, wanted in _by_turns(plans).items():
        pieces = [_filled(_part(waves[clip], excerpt), excerpt) for clip, excerpt in wanted]
        _note(rows, wanted, turns, tagger.listen(pieces, [each.excerpt.pad_samples for each in wanted], turns))
    logits = [settled(plan, found) for plan, found in zip(plans, rows, strict=True)]
    return np.stack(logits) if logits else np.zeros((0, len(tagger.classes)), np.float32)


def hear_clips(
    tagger: Tagger,
    clips: Clips,
    plans: Sequence[Plan],
    embed: bool,
    track: Track,
    what: str,
    grouped: Grouped | None = None,
) -> list[Rows]:
    """What the network says of every take of the plans of some clips of a store, read ahead batch by batch.

    Where a view knows origins apart, noisy clips are heard as noisy ones and all others as curated ones: whatever is to
    be tagged is recorded like these, as far as anybody knows.

    Args:
        embed: whether vectors stand behind the logits, as in `Tagger.listen`.
        track: shows progress; counts batches.
        what: what the progress is called.
        grouped: which go together by their lengths; none leaves that to the tagger.
    """
    batches: list[tuple[tuple[Turn, ...], list[_Wanted]]] = []
    for turns, wanted in _by_turns(plans).items():
        lengths = [tagger.heard_samples(max(e.n_samples, e.least_samples), e.pad_samples) for _, e in wanted]
        batches += [(turns, [wanted[i] for i in group]) for group in (grouped or tagger.grouped)(lengths)]

    def read(number: int) -> list[Wave]:
        found = []
        for clip, excerpt in batches[number][1]:
            start = int(clips.starts[clip]) + excerpt.start
            found.append(_filled(clips.store.read(clips.files[clip], start, excerpt.n_samples), excerpt))
        return found

    rows: list[Rows] = [{} for _ in plans]
    origins = np.where(clips.origins == _NOISY, _NOISY, _CURATED)
    numbers = track(range(len(batches)), len(batches), what)
    for (turns, wanted), waves in zip(batches, prefetch(read, numbers), strict=True):
        pads, theirs = [each.excerpt.pad_samples for each in wanted], [int(origins[each.clip]) for each in wanted]
        _note(rows, wanted, turns, tagger.listen(waves, pads, turns, origins=theirs, embed=embed, at_once=True))
    return rows


def hear_stream(
    tagger: Tagger,
    blocks: Iterable[Wave],
    name: str,
    *,
    n_samples: int | None = None,
    stretch_samples: int = sys.maxsize,
) -> list[Stretch]:
    """Logits of each stretch of a stream, hearing little more than a window's audio at a time.

    So the memory that a file takes does not depend on its length.

    Args:
        name: what the clip is called; see `earmark.inference.hearings.crops`.
        n_samples: the length of the stream, where the way of hearing needs it.
        stretch_samples: what is to have scores of its own; the last stretch may be shorter.

    Returns:
        None at all for a stream without samples.

    Raises:
        DataError: the stream is shorter than that, or the network gives NaN.
    """
    if n_samples is None:
        return _hear_as_it_comes(tagger, blocks, name, stretch_samples)
    starts = range(0, n_samples, stretch_samples)
    lengths = [min(stretch_samples, n_samples - start) for start in starts]
    plans = [tagger.plan(n, stretch_name(name, number)) for number, n in enumerate(lengths)]
    wanted = [(turns, each) for turns, found in _by_turns(plans).items() for each in found]
    spans = [(starts[clip] + excerpt.start, excerpt.n_samples) for _, (clip, excerpt) in wanted]
    heard = ((*wanted[place], wave) for place, wave in stream_spans(blocks, spans))
    rows = _hear_in_turn(tagger, heard, len(plans))
    return [Stretch(n, settled(plan, found)) for n, plan, found in zip(lengths, plans, rows, strict=True)]


def stretch_name(name: str, number: int) -> str:
    """What a stretch of a clip is called; the first one as the clip.

    >>> stretch_name("a.wav", 0), stretch_name("a.wav", 2)
    ('a.wav', 'a.wav#2')
    """
    return f"{name}#{number}" if number else name


def _hear_as_it_comes(tagger: Tagger, blocks: Iterable[Wave], name: str, stretch_samples: int) -> list[Stretch]:
    """A stream of unknown length, in the pieces of a whole clip."""
    lengths: list[int] = []

    def heard() -> Iterator[tuple[tuple[Turn, ...], _Wanted, Wave]]:
        for number, piece in stretch_pieces(blocks, stretch_samples, tagger.ear.window_samples):
            if number == len(lengths):
                lengths.append(0)
            excerpt = Excerpt(lengths[number], len(piece))
            lengths[number] += len(piece)
            yield (PLAIN,), _Wanted(number, excerpt), piece

    rows = _hear_in_turn(tagger, heard(), None)
    plans = [tagger.plan(n, stretch_name(name, number)) for number, n in enumerate(lengths)]
    return [Stretch(n, settled(plan, found)) for n, plan, found in zip(lengths, plans, rows, strict=True)]


def _hear_in_turn(
    tagger: Tagger, heard: Iterable[tuple[tuple[Turn, ...], _Wanted, Wave]], n_clips: int | None
) -> list[Rows]:
    """The rows of clips whose excerpts come one after the other, about a window's audio heard at a time."""
    rows: list[Rows] = [{} for _ in range(n_clips or 0)]
    held: list[tuple[tuple[Turn, ...], _Wanted, Wave]] = []
    n_held = 0

    def hear() -> None:
        for turns, group in groupby(sorted(held, key=lambda each: each[0]), key=lambda each: each[0]):
            _, wanted, waves = zip(*group, strict=True)
            rows.extend({} for _ in range(1 + max(each.clip for each in wanted) - len(rows)))
            _note(rows, wanted, turns, tagger.listen(waves, [each.excerpt.pad_samples for each in wanted], turns))

    for turns, wanted, wave in heard:
        whole = _filled(wave, wanted.excerpt)
        n = tagger.heard_samples(len(whole), wanted.excerpt.pad_samples)
        if held and n_held + n > tagger.ear.window_samples:
            hear()
            held, n_held = [], 0
        held.append((turns, wanted, whole))
        n_held += n
    hear()
    return rows


def _by_turns(plans: Sequence[Plan]) -> dict[tuple[Turn, ...], list[_Wanted]]:
    """The excerpts of all plans, by the ways in which they are looked at."""
    found: dict[tuple[Turn, ...], list[_Wanted]] = {}
    for clip, plan in enumerate(plans):
        for excerpt, turns in excerpts(plan).items():
            found.setdefault(turns, []).append(_Wanted(clip, excerpt))
    return found


def _note(rows: list[Rows], wanted: Sequence[_Wanted], turns: Sequence[Turn], heard: NDArray[np.float32]) -> None:
    for (clip, excerpt), of_turns in zip(wanted, heard, strict=True):
        rows[clip] |= {Take(excerpt, turn): row for turn, row in zip(turns, of_turns, strict=True)}


def _part(wave: Wave, excerpt: Excerpt) -> Wave:
    return wave[excerpt.start : excerpt.start + excerpt.n_samples]


def _filled(wave: Wave, excerpt: Excerpt) -> Wave:
    short = excerpt.least_samples - len(wave)
    return np.pad(wave, (0, short)) if short > 0 else wave
