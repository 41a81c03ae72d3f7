"""Scores of clips of many lengths: in batches of similar lengths, against one at a time and against shuffled batches.

The clips last from 0.3 to 20 s (log-normal, median 4 s) and are heard at full length, from the store, in float32 on the
processor, by the nets and the pictures of the training step (not on five random crops, as recipe ``s0`` is used by
itself). Shuffled batches are as many as those of similar lengths, all of one
size, and padded to their longest clip. The net masks what is padding, so all three ways give a clip the same scores;
that is checked.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from bench.row import Row, take_turns
from bench.sounds import clips, natural_lengths_s
from bench.training_step import NETS
from earmark.data.buckets import buckets, wasted
from earmark.data.clips import Clips
from earmark.data.prefetch import prefetch
from earmark.inference.predict import predict
from earmark.inference.settings import TaggerSettings
from earmark.inference.tagger import Tagger
from earmark.stages.recipe import read_recipe

Groups = list[NDArray[np.int64]]


def measure(quick: bool = False) -> list[Row]:
    """Two rows a net: one a peer."""
    n_clips, n_turns = (8, 1) if quick else (192, 3)
    rng = np.random.default_rng(0)
    lengths_s = np.minimum(natural_lengths_s(n_clips, rng), 3.0 if quick else np.inf)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        recordings = clips(lengths_s, Path(folder))
        for number, (name, changes) in enumerate(NETS.items()):
            # The wide net takes several times as long; a third of the clips is enough to see the ratio.
            some = recordings.rows(np.arange(n_clips // 3)) if number == 0 and not quick else recordings
            rows += _compared(name, fresh_tagger(changes, recordings), some, n_turns, rng)
    return rows


def _compared(name: str, tagger: Tagger, recordings: Clips, n_turns: int, rng: np.random.Generator) -> list[Row]:
    lengths, similar = grouped(tagger, recordings)
    shuffled = np.array_split(rng.permutation(len(recordings)), len(similar))
    single = [np.array([row]) for row in range(len(recordings))]
    careless = without_buckets(tagger)
    ways: list[Callable[[], NDArray[np.float32]]] = [
        lambda: predict(tagger, recordings).scores,
        lambda: scores(careless, recordings, single),
        lambda: scores(careless, recordings, shuffled),
    ]
    _must_agree([way() for way in ways])
    ours, one, padded = take_turns(ways, n_turns, amount=len(recordings), warm=True)
    what, unit = f"{name}: {len(similar)} batches of similar lengths", "clips a second"
    seconds = recordings.n_samples.sum() / tagger.settings.rate_hz
    size = f"{len(recordings)} clips, {seconds:.0f} s of sound"
    padding, their_padding = wasted(lengths, similar), wasted(lengths, shuffled)
    return [
        Row.of(what, "one clip at a time", unit, ours, one, f"{size}; padding {padding:.0%} against none"),
        Row.of(
            what, "shuffled batches", unit, ours, padded, f"{size}; padding {padding:.0%} against {their_padding:.0%}"
        ),
    ]


def fresh_tagger(changes: tuple[str, ...], recordings: Clips) -> Tagger:
    """The tagger of a recipe before any training: weights do not change how long it takes."""
    recipe = read_recipe("s0", changes)
    torch.manual_seed(recipe.seed)
    return Tagger.build(
        TaggerSettings(
            classes=tuple(f"class {number}" for number in range(recordings.targets.shape[1])),
            pack=recordings.store.settings,
            view=recipe.view,
            model=recipe.model,
            crop=recipe.streams["curated"].crop,
        )
    )


def grouped(tagger: Tagger, recordings: Clips) -> tuple[NDArray[np.int64], Groups]:
    """What is heard of each clip, in samples, and the batches of similar lengths that `predict` makes of that."""
    settings, rate_hz = tagger.settings.inference, tagger.settings.rate_hz
    least = round((tagger.settings.crop.length_s or 0.0) * rate_hz)
    lengths = np.maximum(recordings.n_samples, least)
    most = round(settings.batch_s * rate_hz)
    return lengths, buckets(lengths, most_clips=settings.batch_clips, most_samples=most, waste=settings.waste)


def without_buckets(tagger: Tagger) -> Tagger:
    """The same tagger, which takes a batch of clips as it comes."""
    as_it_comes = {"waste": 0.999999, "batch_clips": 1_000_000, "batch_s": 1e9}
    inference = tagger.settings.inference.model_copy(update=as_it_comes)
    settings = tagger.settings.model_copy(update={"inference": inference})
    return Tagger(settings, tagger.network, tagger.view, tagger.device)


def scores(tagger: Tagger, recordings: Clips, groups: Groups) -> NDArray[np.float32]:
    """The peers: logits of clips in these batches, [clips, classes], read ahead as `predict` does."""

    def read(number: int) -> list[NDArray[np.float32]]:
        return [
            recordings.store.read(recordings.files[row], int(recordings.starts[row]), int(recordings.n_samples[row]))
            for row in groups[number]
        ]

    found = np.zeros((len(recordings), len(tagger.classes)), np.float32)
    for group, waves in zip(groups, prefetch(read, range(len(groups))), strict=True):
        found[group] = tagger.logits(waves)
    return found


def _must_agree(found: list[NDArray[np.float32]]) -> None:
    """See that every way gives the same scores."""
    furthest = max(float(np.abs(other - found[0]).max()) for other in found[1:])
    if not furthest < 1e-2:
        raise AssertionError(f"all batches must give a clip the same logits, but they differ by {furthest:.2g}")
