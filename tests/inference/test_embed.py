"""Vectors of clips: the mean of the encoder's maps, the same in any batch, in one pass with the logits."""

from __future__ import annotations

import numpy as np
import torch

from earmark.core.batch import waves
from earmark.inference.predict import embed, hear, predict
from earmark.models.segments import Segments
from tests.tiny import MODEL, RATE_HZ, clips_of

LENGTHS = (900, 3000, 7999, 8000, 20_123)


def test_a_vector_is_the_mean_of_the_maps_over_time_and_frequency(tagger_of) -> None:
    tagger, clips = tagger_of(), clips_of((6000,))
    wave = torch.from_numpy(clips.store.waves["clip 0"])[None]
    with torch.inference_mode():
        maps = tagger.network.encode(tagger.view(waves(wave, torch.tensor([6000]), RATE_HZ, ("x",), 3))).maps
    found = embed(tagger, clips)
    assert found.ids == clips.ids and found.vectors.dtype == np.float32 and dict(found.provenance) == {"run": "tiny"}
    np.testing.assert_allclose(found.vectors[0], maps[0].mean(dim=(1, 2)).numpy(), atol=1e-5)


def test_company_and_batches_change_nothing(tagger_of) -> None:
    clips = clips_of(LENGTHS)
    found = embed(tagger_of(batch_clips=3, waste=0.6), clips)
    alone = np.stack([embed(tagger_of(), clips.rows([row])).vectors[0] for row in range(len(clips))])
    np.testing.assert_allclose(found.vectors, alone, atol=1e-4, rtol=0)
    backwards = embed(tagger_of(), clips.rows(range(len(clips))[::-1]))
    np.testing.assert_allclose(backwards.aligned(found.ids).vectors, alone, atol=1e-4, rtol=0)


def test_one_pass_gives_the_logits_of_a_prediction(tagger_of) -> None:
    clips = clips_of(LENGTHS)
    tagger = tagger_of()
    both = hear(tagger, clips)
    assert np.array_equal(both.predictions.scores, predict(tagger, clips).scores)
    assert both.predictions.ids == both.embeddings.ids == clips.ids
    assert both.embeddings.vectors.shape == (len(clips), tagger.network.encoder.n_channels)


def test_no_clips_have_no_vectors(tagger_of) -> None:
    tagger = tagger_of()
    none = hear(tagger, clips_of(LENGTHS).rows([]))
    assert none.embeddings.vectors.shape == (0, tagger.network.encoder.n_channels)
    assert none.predictions.scores.shape == (0, 3)


def test_nets_that_hear_segments_have_vectors_too(tagger_of, monkeypatch) -> None:
    monkeypatch.setattr("tests.inference.conftest.MODEL", MODEL.model_copy(update={"segments": Segments(frames=20)}))
    found = embed(tagger_of(), clips_of((4000, 8000)))
    assert np.isfinite(found.vectors).all() and found.vectors.shape[0] == 2
