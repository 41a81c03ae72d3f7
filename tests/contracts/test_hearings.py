"""What every way of hearing must keep to; a new member is tested the moment it exists."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from earmark.core.settings import read
from earmark.inference.hearings.hearing import Ear, Hearing, everybody
from earmark.inference.plan import Take, excerpts, settled, takes
from earmark.inference.predict import hear, predict
from earmark.inference.settings import InferenceSettings
from tests.inference.conftest import MakeTagger, tagger_of, wav_files
from tests.tiny import clips_of

__all__ = ["tagger_of", "wav_files"]

VARIANTS: dict[str, list[dict[str, Any]]] = {
    "corners": [{"of": {"kind": "slices", "length_s": 0.5}, "flips": False, "beta": 0.0}, {"pool": "max"}],
    "crops": [{"n": 2, "length_s": 0.5, "pool": "max"}],
    "padded": [{"fill": "floor"}, {"of": {"kind": "slices", "length_s": 0.3}, "pads_s": [0, 0.1], "pool": "mean"}],
    "segments": [{"length_s": 0.4, "pool": "softmax"}],
    "slices": [
        {"length_s": 0.4, "hop_s": 0.15, "pool": "geometric"},
        {"where": "end", "n": 2, "length_s": 0.3},
        {"where": "even", "n": 3},
    ],
    "several": [
        {"of": ["whole", {"kind": "padded", "of": "crops", "fill": "floor"}], "weights": [2, 1]},
        {"of": ["slices", {"kind": "windows", "lengths_s": [0.3]}], "pool": "max"},
    ],
    "windows": [{"lengths_s": [0.25, 0.8], "overlap": 0.75, "pool": "max", "across": "mean"}],
}
REQUIRED: dict[str, dict[str, Any]] = {"several": {"of": ["whole", "slices"]}, "windows": {"lengths_s": [0.2, 0.5, 1]}}
CASES = [
    pytest.param({"kind": kind} | REQUIRED.get(kind, {}) | settings, id=f"{kind}-{i}")
    for kind in Hearing.members()
    for i, settings in enumerate([{}, *VARIANTS.get(kind, [])])
]
every_hearing = pytest.mark.parametrize("hearing", CASES)
LENGTHS = (16, 900, 4001, 9000, 20_123)
EAR = Ear(8000, 8000, 2000, "mean", frozenset({"wave", "power", "features"}))


def member(hearing: dict[str, Any]) -> Hearing:
    return read(InferenceSettings, {"hearing": hearing, "window_s": 1.0}).hearing


@every_hearing
def test_plans_keep_to_the_clip_and_to_the_window(hearing):
    found = member(hearing)
    for n in (1, 16, 1999, 2000, 2001, 7777, 8000, 30_001):
        plan = found.plan(n, EAR, "a")
        assert plan == found.plan(n, EAR, "a")
        for excerpt in excerpts(plan):
            assert 0 <= excerpt.start < n and 1 <= excerpt.n_samples <= min(n - excerpt.start, 8000)
            assert excerpt.least_samples <= 8000
        # What all takes agree on is what comes out.
        row = np.array([0.5, -1.0, 3.0], np.float32)
        agreed = settled(plan, dict.fromkeys(takes(plan), row))
        assert np.argsort(agreed).tolist() == [1, 0, 2]
    assert isinstance(next(takes(found.plan(0, EAR, "a"))), Take)


@every_hearing
def test_settings_come_back_as_they_were(hearing):
    found = member(hearing)
    assert read(InferenceSettings, {"hearing": found.model_dump(mode="json")}).hearing == found
    assert all(isinstance(each, Hearing) for each in everybody(found))


@every_hearing
def test_a_batch_is_its_members_in_any_order(tagger_of: MakeTagger, hearing):
    clips = clips_of(LENGTHS)
    tagger = tagger_of(hearing=hearing, waste=0.6, batch_clips=3)
    tolerance = tagger.settings.model.encoder.tolerance
    found = predict(tagger, clips)
    assert np.isfinite(found.scores).all()
    backwards = predict(tagger, clips.rows(range(len(clips))[::-1])).aligned(found.ids)
    np.testing.assert_allclose(backwards.scores, found.scores, atol=tolerance, rtol=0)
    for row in (0, 2, 4):
        alone = predict(tagger, clips.rows([row]))
        np.testing.assert_allclose(alone.scores[0], found.scores[row], atol=tolerance, rtol=0)


@every_hearing
def test_stores_memory_and_files_give_the_same_scores(tagger_of: MakeTagger, wav_files, hearing):
    clips = clips_of((900, 20_123))
    tagger = tagger_of(hearing=hearing)
    stored = predict(tagger, clips).scores
    waves = [clips.store.waves[name] for name in clips.files]
    np.testing.assert_allclose(tagger.clip_logits(waves, clips.ids), stored, atol=1e-4)
    # Files have 16 bits, and another name: a way of hearing that draws is told the clip's.
    for wave, file in zip(waves, wav_files(900, 20_123), strict=True):
        rounded = np.round(wave * 32768).astype(np.float32) / 32768
        wanted = tagger.clip_logits([rounded], [file.name])[0]
        np.testing.assert_allclose(tagger.file_logits(file), wanted, atol=1e-4)


@every_hearing
def test_one_pass_gives_vectors_too(tagger_of: MakeTagger, hearing):
    tagger, clips = tagger_of(hearing=hearing), clips_of((900, 9000))
    both = hear(tagger, clips)
    np.testing.assert_allclose(both.predictions.scores, predict(tagger, clips).scores, atol=1e-5)
    assert both.embeddings.vectors.shape == (2, tagger.network.encoder.n_channels)
