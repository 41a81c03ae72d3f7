"""Scores and vectors of many clips of a store, in batches of similar lengths."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from earmark.core.embeddings import Embeddings
from earmark.core.predictions import Predictions
from earmark.data.clips import Clips
from earmark.inference.in_training import eights, in_training
from earmark.inference.listening import Rows, Track, hear_clips
from earmark.inference.plan import Plan, settled
from earmark.inference.tagger import Tagger


def _untold(numbers: Iterable[int], total: int, what: str) -> Iterable[int]:
    return numbers


class Heard(NamedTuple):
    """What a tagger makes of clips."""

    predictions: Predictions
    embeddings: Embeddings


def predict(
    tagger: Tagger,
    clips: Clips,
    *,
    track: Track = _untold,
    what: str = "predict",
    legacy_in_training: bool = False,
) -> Predictions:
    """Logits of every clip, each heard as ``inference.hearing`` says.

    Args:
        track: shows progress; counts batches.
        what: what the progress is called.
        legacy_in_training: whether the network answers as it trains, see `earmark.inference.in_training`.
    """
    plans = _plans(tagger, clips)
    if not legacy_in_training:
        return _predictions(tagger, clips, plans, hear_clips(tagger, clips, plans, False, track, what))
    with in_training(tagger.network, tagger.device):
        return _predictions(tagger, clips, plans, hear_clips(tagger, clips, plans, False, track, what, eights))


def embed(tagger: Tagger, clips: Clips, *, track: Track = _untold, what: str = "embed") -> Embeddings:
    """What the encoder makes of every clip, the mean over time and frequency; arguments as in `predict`."""
    return hear(tagger, clips, track=track, what=what).embeddings


def hear(tagger: Tagger, clips: Clips, *, track: Track = _untold, what: str = "hear") -> Heard:
    """Logits and vectors of every clip in one pass; the vector of a clip is the mean of those of its takes."""
    n, plans = len(tagger.classes), _plans(tagger, clips)
    rows = hear_clips(tagger, clips, plans, True, track, what)
    vectors = [np.stack([row[n:] for row in of.values()]).mean(axis=0, dtype=np.float32) for of in rows]
    logits: list[Rows] = [{take: row[:n] for take, row in of.items()} for of in rows]
    stacked = np.stack(vectors) if len(clips) else np.zeros((0, tagger.network.encoder.n_channels), np.float32)
    embeddings = Embeddings(clips.ids, stacked, {"run": tagger.settings.run})
    return Heard(_predictions(tagger, clips, plans, logits), embeddings)


def _plans(tagger: Tagger, clips: Clips) -> list[Plan]:
    return [tagger.plan(int(n), name) for n, name in zip(clips.n_samples, clips.ids, strict=True)]


def _predictions(tagger: Tagger, clips: Clips, plans: list[Plan], rows: list[Rows]) -> Predictions:
    scores: NDArray[np.float32] = np.zeros((0, len(tagger.classes)), np.float32)
    if len(clips):
        scores = np.stack([settled(plan, found) for plan, found in zip(plans, rows, strict=True)])
    return Predictions(clips.ids, tagger.classes, scores, link="logit", provenance={"run": tagger.settings.run})
