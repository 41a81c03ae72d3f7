"""Networks that answer as they train, as a published filter did by mistake."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from earmark.core.errors import DataError
from earmark.inference.in_training import eights
from earmark.inference.predict import predict
from earmark.inference.settings import TaggerSettings
from earmark.inference.tagger import Tagger
from tests.tiny import MODEL, PLAIN, clips_of, same_tensors

LENGTHS = (4000, 2500, 3000, 8000, 4000, 7000, 6000, 5000, 3500, 4500, 5500)


def tagger_with(tagger_of, model: object) -> Tagger:
    """The tagger with another model; weights are those that all have, for dropout has none."""
    settings: TaggerSettings = tagger_of().settings.model_copy(update={"model": model})
    tagger = Tagger.build(settings)
    tagger.network.load_state_dict(tagger_of().network.state_dict())
    return tagger


def test_eight_clips_are_normalised_by_one_another_and_the_statistics_of_use_stay(tagger_of):
    tagger, clips = tagger_with(tagger_of, PLAIN), clips_of(LENGTHS)
    before = {name: value.clone() for name, value in tagger.network.state_dict().items()}
    made = predict(tagger, clips, legacy_in_training=True).scores
    assert same_tensors(tagger.network.state_dict(), before)
    assert not any(module.training for module in tagger.network.modules())
    batches = [np.argsort([-n for n in LENGTHS], kind="stable")[part] for part in (slice(0, 8), slice(8, None))]
    for rows in batches:
        waves = [clips.store.read(clips.files[row]) for row in rows]
        seen = tagger.view(tagger._batch(waves))
        with torch.no_grad():
            wanted = tagger.network.train()(seen)
        tagger.network.load_state_dict(before)
        np.testing.assert_allclose(made[rows], wanted.numpy(), atol=1e-5, rtol=0)
    used = predict(tagger_with(tagger_of, PLAIN), clips).scores
    assert np.abs(used - made).max() > 0.1


def test_dropout_falls_and_falls_alike_each_time(tagger_of):
    clips = clips_of(LENGTHS)
    dropping, plain = (tagger_with(tagger_of, model) for model in (MODEL, PLAIN))
    np.testing.assert_array_equal(predict(dropping, clips).scores, predict(plain, clips).scores)
    torch.manual_seed(1)
    state = torch.get_rng_state()
    one = predict(dropping, clips, legacy_in_training=True).scores
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(2)
    np.testing.assert_array_equal(predict(dropping, clips, legacy_in_training=True).scores, one)
    assert np.abs(one - predict(plain, clips, legacy_in_training=True).scores).max() > 0.01


@pytest.mark.parametrize("n", [0, 2, 7, 8, 9, 10, 16, 17, 24, 25])
def test_all_are_heard_in_eights_and_nobody_alone(n):
    batches = eights([100 - i for i in range(n)])
    assert [i for batch in batches for i in batch] == list(range(n))
    assert all(len(batch) == 8 for batch in batches[:-1]) and all(2 <= len(batch) <= 9 for batch in batches)


def test_one_clip_has_no_company(tagger_of):
    with pytest.raises(DataError, match="one clip alone; give it two or more"):
        predict(tagger_of(), clips_of((4000,)), legacy_in_training=True)
