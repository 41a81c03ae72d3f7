"""Clips of other streams that are mixed in: they go through the steps as guests and are gone at the end."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from earmark.core.batch import Batch, together, waves
from earmark.core.chance import Chance
from earmark.core.errors import SettingsError
from earmark.core.spec import Spec
from earmark.signal.augment.gain import Gain
from earmark.signal.augment.mixing.mixing import Mixing
from earmark.signal.augment.mixing.mixup import Mixup
from earmark.signal.augment.mixing.partners import Partner
from earmark.signal.augment.mixing.shares.fixed import Fixed
from earmark.signal.frontends.log_mel import LogMel
from earmark.signal.frontends.mel import Mel
from earmark.signal.view import build_view

WAVE = Spec("wave", 8000.0)
LOG_MEL = LogMel(mel=Mel(n_fft=256, hop_samples=80, n_mels=16, fmin_hz=50))


def levels(name: str, *values: float, n: int = 1000) -> Batch:
    """Constant clips whose first target is 1, so that a mixture tells where it comes from."""
    batch = waves(torch.tensor(values)[:, None].repeat(1, n), torch.full((len(values),), n), 8000.0,
                  tuple(f"{name} {i}" for i in range(len(values))), 2)  # fmt: skip
    return batch.changed(targets=torch.tensor([[1.0, 0.0]]).repeat(len(values), 1), known=~batch.known, padded=False)


def mixing(stream: str | None, **rest: Any) -> Mixup:
    return Mixup(p=1, share=Fixed(share=0.5), partner=Partner(stream=stream, **rest))


CURATED, NOISY, MORE = (
    levels("curated", 0.0, 0.0, 0.0),
    levels("noisy", 1.0, 2.0, 3.0, 4.0, n=1200),
    levels("more", 10.0, 20.0),
)
OTHERS = {"noisy": NOISY, "more": MORE}
KINDS = sorted(kind for kind, member in Mixing.members().items() if issubclass(member, Mixing))


def takes_waves(step: Mixing) -> bool:
    try:
        return step.after(WAVE) == WAVE
    except SettingsError:
        return False


@pytest.mark.parametrize("kind", KINDS)
def test_any_mixing_step_may_take_its_partners_from_another_stream(kind):
    step = Mixing.members()[kind].model_validate({"p": 1.0, "partner": {"stream": "noisy"}})
    view = build_view((step, LOG_MEL) if takes_waves(step) else (LOG_MEL, step), WAVE)
    seen = view(CURATED, Chance(1), OTHERS)
    assert (seen.ids, seen.guests) == (CURATED.ids, ())
    assert len(seen.values) == len(seen.targets) == 3 and seen.origins.tolist() == CURATED.origins.tolist()
    clean = view(CURATED).values
    assert bool(seen.values.isfinite().all()) and not torch.equal(seen.values[..., : clean.shape[-1]], clean)


@pytest.mark.parametrize("kind", KINDS)
def test_guests_come_out_as_they_went_in(kind):
    step = Mixing.members()[kind].model_validate({"p": 1.0, "partner": {"stream": "noisy"}})
    batch = together([CURATED, NOISY]).changed(guests=(("noisy", 4),))
    batch = batch if takes_waves(step) else build_view((LOG_MEL,), WAVE)(batch)
    out = step.apply(batch, step.draw(batch, torch.Generator().manual_seed(0)))
    for part in ("values", "lengths", "targets", "known", "weights", "origins"):
        assert torch.equal(getattr(out, part)[3:], getattr(batch, part)[3:])
    assert out.guests == batch.guests and not torch.equal(out.values[:3], batch.values[:3])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("choice", ["ring", "uniform", "class_balanced"])
def test_mixing_never_waits_for_the_device(kind, choice):
    """On the meta device there are no numbers to wait for: whoever reads one is told so."""
    step = Mixing.members()[kind].model_validate({"p": 0.5, "partner": {"stream": "noisy", "choice": choice}})
    batch = together([CURATED, NOISY]).changed(guests=(("noisy", 4),))
    if not takes_waves(step):
        batch = build_view((LOG_MEL,), WAVE)(batch)
    for seed in range(5):
        draw = step.draw(batch, torch.Generator().manual_seed(seed))
        assert step.apply(batch.to(torch.device("meta")), draw).values.shape == batch.values.shape


@pytest.mark.parametrize("choice", ["ring", "uniform", "class_balanced"])
def test_partners_come_from_the_stream_that_is_named(choice):
    for stream, allowed in (("noisy", {0.5, 1.0, 1.5, 2.0}), ("more", {5.0, 10.0}), (None, {0.0})):
        view = build_view((mixing(stream, choice=choice),), WAVE)
        for step in range(5):
            seen = view(CURATED, Chance(1).at(step=step), OTHERS)
            assert set(seen.values[:, 0].tolist()) <= allowed
            assert seen.ids == CURATED.ids


def test_guests_go_through_what_comes_before_and_are_gone_after_the_last_step_that_wants_them():
    steps = (Gain(p=1), mixing("noisy"), mixing("more"), LOG_MEL, Gain(p=0))[:4]
    view, chance = build_view(steps, WAVE), Chance(1)
    seen = view(CURATED, chance, OTHERS)
    batch = together([CURATED, NOISY, MORE]).changed(guests=(("noisy", 4), ("more", 2)))
    for place, step in enumerate(steps[:3]):
        before, batch = batch, step.apply(batch, step.draw(batch, chance.at("augment", index=place).torch()))
        if place:
            assert torch.equal(batch.values[3:], before.values[3:]), "guests come out as they went in"
    assert not torch.equal(batch.values[3:], together([NOISY, MORE]).values), "but for the gain, which they had too"
    assert torch.equal(seen.values, view(batch.own()).values)
    assert torch.equal(seen.targets, batch.targets[:3])


def test_a_stream_that_names_itself_mixes_with_itself():
    named, plain = build_view((mixing("noisy"),), WAVE), build_view((mixing(None),), WAVE)
    others = {"curated": CURATED, "more": MORE}
    seen = named(NOISY, Chance(1), others)
    assert torch.equal(seen.values, plain(NOISY, Chance(1), others).values)
    assert seen.ids == NOISY.ids and bool((seen.values[:, 0] > 0).all())


def test_the_clean_view_has_no_guests():
    view = build_view((mixing("noisy"), LOG_MEL), WAVE)
    seen = view(CURATED, None, OTHERS)
    assert seen.ids == CURATED.ids and torch.equal(seen.values, view(CURATED).values)


def test_nobody_else_is_changed():
    before = {name: batch.values.clone() for name, batch in (("curated", CURATED), *OTHERS.items())}
    build_view((Gain(p=1), mixing("noisy"), mixing("more")), WAVE)(CURATED, Chance(1), OTHERS)
    assert all(torch.equal({"curated": CURATED, **OTHERS}[name].values, values) for name, values in before.items())
