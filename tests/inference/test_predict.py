from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from earmark.core.manifest import ORIGINS, Manifest
from earmark.data.clips import Clips
from earmark.data.crops import Crop
from earmark.data.pack_settings import PackSettings
from earmark.data.packing import pack
from earmark.data.store import Store
from earmark.inference.predict import predict
from earmark.inference.tagger import Tagger
from earmark.signal.frontends.normalise import Normalise
from tests.tiny import RATE_HZ, VIEW, clips_of, stream_of

LENGTHS = (16, 900, 2000, 3000, 7999, 8000, 8001, 12_000, 20_123, 41_000)


@pytest.mark.parametrize("crop", [Crop(length_s=0.25), Crop(length_s=None, short="keep")])
@pytest.mark.parametrize("waste", [0.0, 0.4])
def test_a_packed_file_has_the_scores_of_the_file_itself(tagger_of, wav_files, tmp_path: Path, crop, waste):
    files = wav_files(*LENGTHS)
    names = [file.name for file in files]
    pack(names, tmp_path, tmp_path / "store", PackSettings(rate_hz=RATE_HZ), workers=1)
    manifest = Manifest.of(pl.DataFrame({"id": names, "file": names}), classes=("low", "middle", "high"))
    tagger = tagger_of(crop=crop, waste=waste, batch_clips=3)
    made = predict(tagger, Clips.of(manifest, Store.open(tmp_path / "store")))
    assert made.link == "logit" and made.classes == tagger.classes and dict(made.provenance) == {"run": "tiny"}
    apart = np.stack([tagger.file_logits(tmp_path / name) for name in made.ids])
    np.testing.assert_allclose(made.scores, apart, atol=tagger.settings.model.encoder.tolerance, rtol=0)


def test_rows_are_those_of_the_clips_however_they_are_batched(tagger_of):
    clips = clips_of(LENGTHS)
    made = predict(tagger_of(batch_clips=2), clips)
    assert made.ids == clips.ids
    backwards = predict(tagger_of(batch_s=1.0, waste=0.6), clips.rows(range(len(clips))[::-1]))
    assert backwards.ids == clips.ids[::-1]
    np.testing.assert_allclose(backwards.aligned(made.ids).scores, made.scores, atol=1e-4, rtol=0)


def test_a_clip_is_heard_within_its_span(tagger_of):
    clips = clips_of((30_000,))
    part = replace(clips, starts=np.array([5000]), n_samples=np.array([9000]))
    wave = clips.store.waves["clip 0"][5000:14_000]
    tagger = tagger_of()
    wanted = tagger.logits([wave[:4500], wave[4500:]]).mean(axis=0)
    np.testing.assert_allclose(predict(tagger, part).scores[0], wanted, atol=1e-5)


def test_noisy_clips_are_heard_as_noisy_and_all_others_as_curated(tagger_of):
    lengths, view = (3000, 5000, 4000, 3000), (VIEW[0].model_copy(update={"normalise": Normalise(over="origin")}),)
    plain = tagger_of(batch_clips=4, waste=0.9)
    tagger = Tagger.build(plain.settings.model_copy(update={"view": view}))
    tagger.network.load_state_dict(plain.network.state_dict())
    apart = [stream_of(seed=seed, batch_size=2).batch(0) for seed in (0, 1)]
    tagger.view.fit(
        [batch.changed(origins=torch.full((2,), n), values=batch.values * (1 + n)) for n, batch in enumerate(apart)]
    )
    heard = {n: predict(tagger, clips_of(lengths, [n] * 4)).scores for n in range(len(ORIGINS))}
    assert np.array_equal(heard[0], heard[2]), "unlabelled clips, as those of a test part may be, count as curated"
    assert np.abs(heard[0] - heard[1]).max() > 1e-3
    mixed = predict(tagger, clips_of(lengths, [2, 1, 0, 1])).scores
    np.testing.assert_allclose(mixed, np.stack([heard[n][row] for row, n in enumerate([0, 1, 0, 1])]), atol=1e-4)
    waves = list(clips_of(lengths).store.waves.values())
    np.testing.assert_allclose(tagger.clip_logits(waves, list("abcd")), heard[0], atol=1e-4)


def test_no_clips_have_no_scores(tagger_of):
    made = predict(tagger_of(), clips_of(LENGTHS).rows([]))
    assert made.scores.shape == (0, 3) and made.ids == ()


def test_progress_counts_batches(tagger_of):
    seen: list[tuple[list[int], int, str]] = []

    def track(numbers, total, what):
        seen.append((list(numbers), total, what))
        return numbers

    predict(tagger_of(batch_clips=2, waste=0.9), clips_of((4000,) * 5), track=track, what="held-out")
    assert seen == [([0, 1, 2], 3, "held-out")]
