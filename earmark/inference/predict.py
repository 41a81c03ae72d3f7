"""Scores and vectors of many clips of a store, in batches of similar lengths."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from earmark.core.embeddings import Embeddings
from earmark.core.predictions import Predictions
from earmark.data.buckets import buckets
from earmark.data.clips import Clips
from earmark.data.prefetch import prefetch
from earmark.inference.pieces import pieces
from earmark.inference.tagger import Tagger

Track = Callable[[Iterable[int], int, str], Iterable[int]]


def _untold(numbers: Iterable[int], total: int, what: str) -> Iterable[int]:
    return numbers


class Heard(NamedTuple):
    """What a tagger makes of clips."""

    predictions: Predictions
    embeddings: Embeddings


def predict(tagger: Tagger, clips: Clips, *, track: Track = _untold, what: str = "predict") -> Predictions:
    """Logits of every clip, each heard at full length.

    Args:
        track: shows progress; counts batches.
        what: what the progress is called.
    """
    by_clip = _rows_by_clip(tagger, clips, tagger.logits, track, what)
    scores = np.stack([tagger.pooled(rows) for rows in by_clip]) if len(clips) else _none(len(tagger.classes))
    return _predictions(tagger, clips, scores)


def embed(tagger: Tagger, clips: Clips, *, track: Track = _untold, what: str = "embed") -> Embeddings:
    """What the encoder makes of every clip, the mean over time and frequency; arguments as in `predict`."""
    return hear(tagger, clips, track=track, what=what).embeddings


def hear(tagger: Tagger, clips: Clips, *, track: Track = _untold, what: str = "hear") -> Heard:
    """Logits and vectors of every clip in one pass; the vector of a long clip is the mean of those of its pieces."""
    n, by_clip = len(tagger.classes), _rows_by_clip(tagger, clips, tagger.logits_and_vectors, track, what)
    scores = np.stack([tagger.pooled(rows[:, :n]) for rows in by_clip]) if len(clips) else _none(n)
    vectors = [rows[:, n:].mean(axis=0, dtype=np.float32) for rows in by_clip]
    stacked = np.stack(vectors) if len(clips) else _none(tagger.network.encoder.n_channels)
    return Heard(_predictions(tagger, clips, scores), Embeddings(clips.ids, stacked, {"run": tagger.settings.run}))


def _predictions(tagger: Tagger, clips: Clips, scores: NDArray[np.float32]) -> Predictions:
    return Predictions(clips.ids, tagger.classes, scores, link="logit", provenance={"run": tagger.settings.run})


def _none(n_columns: int) -> NDArray[np.float32]:
    return np.zeros((0, n_columns), np.float32)


def _rows_by_clip(
    tagger: Tagger,
    clips: Clips,
    listen: Callable[[Sequence[NDArray[np.float32]]], NDArray[np.float32]],
    track: Track,
    what: str,
) -> list[NDArray[np.float32]]:
    """What ``listen`` says of the pieces of each clip, [pieces, columns] a clip."""
    settings = tagger.settings.inference
    window = round(settings.window_s * tagger.settings.rate_hz)
    spans = [(row, *piece) for row, n in enumerate(clips.n_samples) for piece in pieces(int(n), window)]
    most = round(settings.batch_s * tagger.settings.rate_hz)
    least = tagger.settings.crop.least_samples(tagger.settings.rate_hz)
    heard_lengths = [max(n, least) for _, _, n in spans]
    groups = buckets(heard_lengths, most_clips=settings.batch_clips, most_samples=most, waste=settings.waste)

    def read(number: int) -> list[NDArray[np.float32]]:
        rows = [spans[i] for i in groups[number]]
        return [clips.store.read(clips.files[row], int(clips.starts[row]) + start, n) for row, start, n in rows]

    found: dict[int, NDArray[np.float32]] = {}
    numbers = track(range(len(groups)), len(groups), what)
    for group, waves in zip(groups, prefetch(read, numbers), strict=True):
        found |= zip(group, listen(waves), strict=True)
    by_clip: list[list[NDArray[np.float32]]] = [[] for _ in range(len(clips))]
    for place, (row, _, _) in enumerate(spans):
        by_clip[row].append(found[place])
    return [np.stack(rows) for rows in by_clip]
