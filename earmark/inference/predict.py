"""Scores of many clips of a store, in batches of similar lengths."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from earmark.core.predictions import Predictions
from earmark.data.buckets import buckets
from earmark.data.clips import Clips
from earmark.data.prefetch import prefetch
from earmark.inference.pieces import pieces
from earmark.inference.tagger import Tagger

Track = Callable[[Iterable[int], int, str], Iterable[int]]


def predict(
    tagger: Tagger,
    clips: Clips,
    *,
    track: Track = lambda numbers, total, what: numbers,
    what: str = "predict",
) -> Predictions:
    """Logits of every clip, each heard at full length.

    Args:
        track: shows progress; counts batches.
        what: what the progress is called.
    """
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

    logits = np.zeros((len(spans), len(tagger.classes)), np.float32)
    numbers = track(range(len(groups)), len(groups), what)
    for group, waves in zip(groups, prefetch(read, numbers), strict=True):
        logits[group] = tagger.logits(waves)
    owners = np.array([row for row, _, _ in spans], dtype=np.int64)
    by_clip = np.split(logits, np.flatnonzero(np.diff(owners)) + 1)
    scores = np.stack([tagger.pooled(rows) for rows in by_clip]) if len(clips) else logits
    return Predictions(clips.ids, tagger.classes, scores, link="logit", provenance={"run": tagger.settings.run})
