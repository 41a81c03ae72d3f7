"""Autoregressive predictive coding against double loops, on sounds that can be foreseen and on noise that cannot."""

from __future__ import annotations

import pytest
import torch

from earmark.core.errors import SettingsError
from earmark.core.spec import Spec
from earmark.models.encoders.raw_cnn import RawCNN
from earmark.models.network import ModelSettings
from earmark.models.segments import Segments
from earmark.objectives.terms.apc import APC
from tests.objectives.terms.foreseen import SMALL, SPEC, learnt, look_at, noise, objective_of, ramps
from tests.tiny import features


def heard_until(step: int, segmented: bool) -> int:
    """The last frame that a step of the small net hears: two convolutions of three, each with a stride of two."""
    return 8 * step + 7 if segmented else 4 * step + 6


@pytest.mark.parametrize("settings", [{}, {"normalise": False, "over_features": "sum"}])
@pytest.mark.parametrize("segmented", [False, True])
@pytest.mark.parametrize("lengths", [[38, 21, 8], [38, 38, 38]])
def test_it_loses_what_a_double_loop_does(settings, segmented, lengths):
    model = SMALL.model_copy(update={"segments": Segments(frames=8)}) if segmented else SMALL
    objective = objective_of(APC(units=6, frames=3, **settings), model).eval()
    module, batch = objective.terms[0], features(SPEC, lengths)
    look = look_at(objective, batch)
    with torch.no_grad():
        lost = module(look, ("noisy",))
        maps = look.encoded(("noisy",)).maps
        if segmented:
            maps = torch.stack([maps[..., i : i + 1].mean(dim=3) for i in range(maps.shape[3])], dim=3)
        steps = maps.flatten(1, 2).transpose(1, 2)
        steps = (steps - steps.mean(2, keepdim=True)) / (steps.var(2, unbiased=False, keepdim=True) + 1e-5).sqrt()
        said = module.predict(module.norm(module.context(steps, None)[0])).view(3, steps.shape[1], 3, SPEC.n_bands)
    errors, steady = [], []
    for clip in range(3):
        found = []
        for step in range(steps.shape[1]):
            for number in range(3):
                frame = heard_until(step, segmented) + 1 + number
                if frame < lengths[clip]:
                    came, last = batch.values[clip, 0, :, frame], batch.values[clip, 0, :, frame - 1 - number]
                    if settings.get("normalise", True):
                        came, last = (
                            (each - each.mean()) / (each.var(unbiased=False) + 1e-5).sqrt() for each in (came, last)
                        )
                    found.append(float((said[clip, step, number] - came).abs().mean()))
                    steady.append(float((last - came).abs().mean()))
        errors += found
        scale = SPEC.n_bands if settings.get("over_features") == "sum" else 1
        assert float(lost[clip]) == pytest.approx(scale * sum(found) / max(1, len(found)), rel=1e-4)
    assert float(module.signs["error"]) == pytest.approx(sum(errors) / len(errors), rel=1e-4)
    assert float(module.signs["last"]) == pytest.approx(sum(steady) / len(steady), rel=1e-4)


def test_nothing_that_is_to_be_foreseen_has_been_heard():
    """Whatever comes behind the last frame heard at a place, what is said there stays as it was."""
    objective = objective_of(APC(units=6, frames=2, layers=1)).eval()
    batch, step = features(SPEC, [64]), 5
    spoken: list[torch.Tensor] = []
    objective.terms[0].predict.register_forward_hook(lambda _, __, said: spoken.append(said[0, : step + 1]))
    for changed_from in (64, heard_until(step, False) + 1, heard_until(step, False)):
        values = batch.values.clone()
        values[..., changed_from:] = 9.0
        with torch.no_grad():
            objective.terms[0](look_at(objective, batch.changed(values=values)), ("noisy",))
    plain, behind, before = spoken
    assert torch.equal(plain, behind)
    assert torch.equal(plain[:-1], before[:-1]) and not torch.equal(plain[-1], before[-1])


def test_what_can_be_foreseen_is_learnt_and_noise_is_not():
    term = APC(units=32, layers=1, frames=3)
    sound = learnt(term, ramps, 80)
    assert sound["error"] < 0.6 * sound["average"] and sound["error"] < 0.6 * sound["last"]
    module = objective_of(term).terms[0]
    assert module.fault(sound) is None
    random = learnt(term, noise, 25)
    assert random["error"] > 0.99 * random["average"]
    fault = module.fault(random)
    assert fault is not None and "no better than by the average frame" in fault.clause


def test_waves_are_refused():
    model = ModelSettings(encoder=RawCNN(first_width=4, widths=(4,), depths=(1,)))
    with pytest.raises(SettingsError, match="apc foresees frames of a spectrogram, but the view gives waves"):
        APC().shortest(model, Spec("wave", 8000.0))


def test_the_shortest_clip_that_gives_anything():
    objective = objective_of(APC(units=6)).eval()
    shortest = APC().shortest(SMALL, SPEC)
    with torch.no_grad():
        for n, gives in ((shortest, True), (shortest - 1, False)):
            lost = objective.terms[0](look_at(objective, features(SPEC, [n, n])), ("noisy",))
            assert bool((lost > 0).all()) == gives
