"""Chains of steps and choices between them: which clips, in which order, with whom."""

from __future__ import annotations

import pytest
import torch

from earmark.core.batch import Batch, waves
from earmark.core.errors import SettingsError
from earmark.core.settings import read
from earmark.signal.augment.effects import Effects
from earmark.signal.augment.gain import Gain
from earmark.signal.augment.mixing.mixup import Mixup
from earmark.signal.augment.one_of import OneOf
from earmark.signal.augment.wave.speed import Speed
from earmark.signal.step import Augment, Spec


def ones(n: int, n_samples: int = 8) -> Batch:
    return waves(torch.ones(n, n_samples), torch.full((n,), n_samples), 8000.0, tuple(map(str, range(n))), 1)


def counting(n: int) -> Batch:
    return ones(n).changed(values=2.0 ** torch.arange(n)[:, None].expand(-1, 8), targets=torch.eye(n))


def made(step: Augment, batch: Batch, seed: int = 0) -> Batch:
    return step.apply(batch, step.draw(batch, torch.Generator().manual_seed(seed)))


def louder(factor_db: float, p: float = 1.0) -> Gain:
    return Gain(p=p, low_db=factor_db, high_db=factor_db)


def test_the_default_is_the_whole_chain_in_one_line():
    chain = read(Effects, {"kind": "effects"})
    assert chain.p == 0.75 and [step.kind for step in chain.steps] == ["reverb", "pitch", "overdrive", "speed"]
    assert all(step.p == 1 for step in chain.steps)
    assert read(Effects, chain.model_dump()) == chain


def test_a_clip_goes_through_all_steps_or_none():
    twice = made(Effects(p=0.4, steps=(louder(20), Speed(p=1, low=2, high=2))), ones(2000))
    hit = twice.lengths == 4
    assert float(hit.float().mean()) == pytest.approx(0.4, abs=0.04)
    assert float(twice.values[hit, 2].mean()) == pytest.approx(10, rel=0.2)
    assert torch.equal(twice.values[~hit], ones(2000).values[~hit])


def test_steps_keep_their_own_chance_within_the_chain():
    values = made(Effects(p=0.5, steps=(louder(20), louder(40, p=0.5))), ones(4000)).values[:, 0]
    shares = [float(torch.isclose(values, torch.tensor(level)).float().mean()) for level in (1.0, 10.0, 1000.0)]
    assert shares == pytest.approx([0.5, 0.25, 0.25], abs=0.03)


def test_steps_that_mix_leave_the_clips_alone_that_are_not_hit():
    chain = Effects(p=0.5, steps=(louder(20), Mixup(p=1)))
    batch = counting(64)
    draw = chain.draw(batch, torch.Generator().manual_seed(0))
    out = chain.apply(batch, draw)
    assert torch.equal((out.targets > 0).sum(1), 1 + draw.hit.long())
    assert torch.equal(out.values[~draw.hit], batch.values[~draw.hit])
    # A partner is taken as the step before has left it: louder, if it went through the chain itself.
    driven = torch.where(draw.hit, 10.0, 1.0) * batch.values[:, 0]
    torch.testing.assert_close(out.values[:, 0], out.targets @ driven)


def test_one_of_gives_each_clip_one_step_by_weight():
    step = OneOf(steps=(louder(20), louder(40), louder(60)), weights=(6, 3, 1), p=0.5)
    values = made(step, ones(8000)).values[:, 0]
    shares = [float(torch.isclose(values, torch.tensor(10.0**i)).float().mean()) for i in range(4)]
    assert shares == pytest.approx([0.5, 0.3, 0.15, 0.05], abs=0.02)
    even = made(OneOf(steps=(louder(20), louder(40))), ones(4000)).values[:, 0]
    assert float((even < 50).float().mean()) == pytest.approx(0.5, abs=0.03)


def test_one_of_mixes_with_partners_as_they_came():
    step, batch = OneOf(steps=(Mixup(p=1), louder(20)), weights=(0.6, 0.4)), counting(64)
    draw = step.draw(batch, torch.Generator().manual_seed(1))
    out = step.apply(batch, draw)
    mixed = draw.choice == 0
    assert torch.equal((out.targets > 0).sum(1), 1 + mixed.long())
    torch.testing.assert_close(out.values[mixed, 0], out.targets[mixed] @ batch.values[:, 0])
    torch.testing.assert_close(out.values[~mixed], 10 * batch.values[~mixed])


def test_guests_of_the_steps_are_guests_of_the_whole():
    for outer in (Effects, OneOf):
        mixing = Mixup.model_validate({"partner": {"stream": "noisy"}})
        assert outer(steps=(louder(6), mixing, mixing)).guests == ("noisy",)
        assert outer(steps=(louder(6),)).guests == ()


def test_settings_without_meaning_are_refused():
    with pytest.raises(SettingsError, match=r"steps\.1 \(mel\)|no augment of kind 'mel'"):
        read(Effects, {"steps": ["gain", "mel"]})
    with pytest.raises(SettingsError, match="steps"):
        read(Effects, {"steps": []})
    with pytest.raises(SettingsError, match=r"steps\.0 \(frequency_mask\): .* wave comes in"):
        read(Effects, {"steps": ["frequency_mask"]}).after(Spec("wave", 8000.0))
    with pytest.raises(SettingsError, match="weights must be as many as steps, got 1 for 2"):
        read(OneOf, {"steps": ["gain", "mixup"], "weights": [1]})
    with pytest.raises(SettingsError, match="weights"):
        read(OneOf, {"steps": ["gain"], "weights": [0]})
    with pytest.raises(SettingsError, match="steps: is required"):
        read(OneOf, {})
