"""The view: order, the clean view, chance, learning and what is refused."""

from __future__ import annotations

import pytest
import torch

from earmark.core.batch import Batch, waves
from earmark.core.chance import Chance
from earmark.core.errors import RunError, SettingsError
from earmark.core.family import Member
from earmark.signal.augment.gain import Gain
from earmark.signal.augment.mixing.mixup import Mixup
from earmark.signal.augment.spectrogram.frequency_mask import FrequencyMask
from earmark.signal.frontends.decibel import Decibel
from earmark.signal.frontends.log_mel import LogMel
from earmark.signal.frontends.mel import Mel
from earmark.signal.frontends.normalise import Normalise
from earmark.signal.step import Spec, Step
from earmark.signal.view import build_view, check

WAVE = Spec("wave", 16000.0)
MEL = Mel(n_fft=512, hop_samples=160, n_mels=32)
S1 = (MEL, Mixup(p=1), FrequencyMask(p=1, narrowest_bands=4), Decibel(), Normalise())


def some(n: int = 4, seed: int = 0) -> Batch:
    values = torch.randn(n, 4000, generator=torch.Generator().manual_seed(seed)) * 0.1
    return waves(values, torch.full((n,), 4000), 16000.0, tuple(map(str, range(n))), 2)


def test_steps_are_done_in_order_and_the_clean_view_leaves_augmentations_out():
    view, batch, chance = build_view(S1, WAVE), some(), Chance(1).at(stream="curated", step=3)
    mel, decibel, normalise = (module.eval() for module in view.frontends)
    assert torch.equal(view(batch).values, normalise(decibel(mel(batch))).values)
    by_hand = mel(batch)
    for place in (1, 2):
        step = S1[place]
        by_hand = step.apply(by_hand, step.draw(by_hand, chance.at("augment", index=place).torch()))
    assert torch.equal(view(batch, chance).values, normalise(decibel(by_hand)).values)
    assert view.spec == check(S1, WAVE) == Spec("features", 100.0, 1, 32)


def test_the_same_chance_gives_the_same_view_and_another_gives_another():
    view, batch = build_view(S1, WAVE), some()
    first = view(batch, Chance(1)).values
    assert torch.equal(view(batch, Chance(1)).values, first)
    assert not torch.equal(view(batch, Chance(2)).values, first)


def test_two_steps_of_one_kind_draw_different_numbers():
    view, batch = build_view((Gain(p=1), Gain(p=1)), WAVE), some()
    once = build_view((Gain(p=1),), WAVE)(batch, Chance(1)).values
    twice = view(batch, Chance(1)).values
    assert not torch.allclose(twice / once, once / batch.values)


def test_waves_may_stay_waves_and_no_steps_change_nothing():
    assert check((Gain(),), WAVE) == WAVE
    assert check((), WAVE) == WAVE
    batch = some()
    assert build_view((), WAVE)(batch, Chance(1)) is batch


def test_a_step_that_does_not_fit_is_named_with_its_place():
    with pytest.raises(SettingsError, match=r"view\.1 \(mel\): mel takes wave, but features come in; put it before"):
        check((LogMel(mel=MEL), MEL), WAVE)
    with pytest.raises(SettingsError, match=r"view\.0 \(frequency_mask\): .* but wave comes in"):
        build_view((FrequencyMask(), MEL), WAVE)
    with pytest.raises(SettingsError, match=r"view\.1 .* mask of up to 40 bands is wider than the picture of 32"):
        check((MEL, FrequencyMask(widest_bands=40)), WAVE)


def test_a_step_that_is_neither_kind_is_refused():
    class Odd(Step, kind="odd"):
        def after(self, spec: Spec) -> Spec:
            return spec

    try:
        with pytest.raises(SettingsError, match=r"view\.0: 'odd' is neither"):
            check((Odd(),), WAVE)
    finally:
        assert "odd" not in Member.members.__func__(Step)


def test_learning_goes_through_the_clean_view_once():
    steps = (Gain(p=1, low_db=40, high_db=40), LogMel(mel=MEL, normalise=Normalise(over="global")))
    view = build_view(steps, WAVE)
    assert view.needs_fit
    with pytest.raises(RunError, match="fit the view"):
        view(some())
    assert view.fit(some(n, seed=n) for n in (3, 5)) == 8
    assert not view.needs_fit
    features = torch.cat([view(some(n, seed=n)).values for n in (3, 5)])
    torch.testing.assert_close(features.mean(), torch.tensor(0.0), atol=1e-4, rtol=0)
    torch.testing.assert_close(features.std(), torch.tensor(1.0), atol=1e-3, rtol=0)


def test_where_nothing_is_to_be_learned_the_batches_are_not_touched():
    def never():
        raise AssertionError("touched")
        yield

    view = build_view(S1, WAVE)
    assert not view.needs_fit
    assert view.fit(never()) == 0
    learned = build_view((MEL, Normalise(over="global")), WAVE)
    learned.fit([some()])
    assert learned.fit(never()) == 0


def test_two_steps_that_learn_need_batches_that_come_again():
    steps = (MEL, Decibel(), Normalise(over="global", per_band=True), Normalise(over="global"))
    batches = [some(3), some(2, seed=1)]
    view = build_view(steps, WAVE)
    assert view.fit(batches) == 5
    features = torch.cat([view(batch).values for batch in batches])
    torch.testing.assert_close(features.std(correction=0), torch.tensor(1.0), atol=1e-4, rtol=0)
    with pytest.raises(RunError, match="once for each step that learns"):
        build_view(steps, WAVE).fit(iter(batches))
    with pytest.raises(RunError, match="got no training batches"):
        build_view(steps, WAVE).fit([])


def test_state_fits_a_view_with_other_augmentations():
    learning = Normalise(over="global")
    view, bare = build_view((Gain(), MEL, Mixup(), learning), WAVE), build_view((MEL, learning), WAVE)
    view.fit([some()])
    bare.load_state_dict(view.state_dict())
    assert torch.equal(bare(some()).values, view(some()).values)
