"""Contrastive predictive coding against double loops, on sounds that can be foreseen and on noise that cannot."""

from __future__ import annotations

import math

import pytest
import torch

from earmark.core.batch import Batch
from earmark.models.segments import Segments
from earmark.objectives.terms.cpc import CPC, contrasted
from tests.objectives.terms.foreseen import SMALL, SPEC, learnt, look_at, noise, objective_of, ramps
from tests.tiny import alone, features

every_choice = pytest.mark.parametrize("negatives", ["both", "clip", "batch"])


def naive(said, steps, lengths, clip, place, distance, negatives, contrast):
    """What one prediction loses, whether it is right, and how often it would be by chance."""
    right = float(said @ steps[clip][place + distance])
    others = []
    if negatives != "batch":
        others += [steps[clip][s] for s in range(lengths[clip]) if s != place + distance]
    if negatives != "clip":
        others += [steps[c][place + distance] for c in range(len(steps)) if c != clip and place + distance < lengths[c]]
    wrong = [float(said @ other) for other in others]
    best = max([right, *wrong])
    hit = 0.0 if right < best else 1 / [right, *wrong].count(best)
    if contrast == "one_of_all":
        lost = math.log(sum(math.exp(each - right) for each in [right, *wrong]))
    else:
        lost = math.log1p(math.exp(-right)) + sum(math.log1p(math.exp(each)) for each in wrong)
        lost /= 1 + len(wrong)
    return lost, hit, 1 / (1 + len(wrong))


@every_choice
@pytest.mark.parametrize("contrast", ["one_of_all", "each"])
@pytest.mark.parametrize("gap", ["shared", "apart"])
@pytest.mark.parametrize("lengths", [[37, 21, 30], [37, 37, 37]])
def test_it_loses_what_a_double_loop_does(negatives, contrast, gap, lengths):
    term = CPC(steps=3, negatives=negatives, contrast=contrast, overlap=gap == "shared")
    objective = objective_of(term).eval()
    module, look = objective.terms[0], look_at(objective, features(SPEC, lengths))
    with torch.no_grad():
        lost = module(look, ("noisy",))
        encoded = look.encoded(("noisy",))
        steps = encoded.maps.mean(dim=2).transpose(1, 2)
        ends = [steps.shape[1]] * 3 if encoded.lengths is None else encoded.lengths.tolist()
        said = module.predict(module.context(steps, None)[0]).view(3, steps.shape[1], 3, -1)
    hits, chances = [], []
    for clip in range(3):
        found = []
        for place in range(ends[clip]):
            for number in range(3):
                distance = number + (1 if gap == "shared" else 2)  # a step hears 7 frames of which 4 are its own
                if place + distance < ends[clip]:
                    vector = said[clip, place, number]
                    each = naive(vector, steps, ends, clip, place, distance, negatives, contrast)
                    found.append(each[0])
                    hits.append(each[1])
                    chances.append(each[2])
        assert float(lost[clip]) == pytest.approx(sum(found) / len(found), rel=1e-4)
    assert float(module.signs["accuracy"]) == pytest.approx(sum(hits) / len(hits), abs=1e-6)
    assert float(module.signs["chance"]) == pytest.approx(sum(chances) / len(chances), rel=1e-5)


def test_a_clip_loses_the_same_alone_where_other_clips_do_not_matter():
    objective = objective_of(CPC(negatives="clip")).eval()
    batch = features(SPEC, [60, 33, 47])
    module = objective.terms[0]
    with torch.no_grad():
        whole = module(look_at(objective, batch), ("noisy",))
        for row in range(3):
            apart = module(look_at(objective, alone(batch, row)), ("noisy",))
            torch.testing.assert_close(apart[0], whole[row], rtol=1e-4, atol=1e-5)


def test_clips_that_end_before_anything_comes_lose_nothing():
    objective = objective_of(CPC()).train()
    batch = features(SPEC, [60, 8, 9, 60])
    lost = objective.terms[0](look_at(objective, batch), ("noisy",))
    assert lost[1:3].tolist() == [0, 0] and bool((lost[[0, 3]] > 0).all())
    short: Batch = features(SPEC, [8, 8])
    lost = objective.terms[0](look_at(objective, short), ("noisy",))
    lost.sum().backward()
    assert lost.tolist() == [0, 0]
    assert all(bool(p.grad.isfinite().all()) for p in objective.parameters() if p.grad is not None)


@every_choice
def test_steps_that_are_all_alike_are_told_apart_by_chance_only(negatives):
    steps, said = torch.ones(3, 8, 4), torch.randn(3, 6, 4)
    there = torch.tensor([8, 5, 8])[:, None] > torch.arange(8)
    told = contrasted(said, steps, there, negatives, "one_of_all")
    torch.testing.assert_close(told.right, told.chance)
    torch.testing.assert_close(told.lost, -told.chance.log())


def test_what_can_be_foreseen_is_learnt_and_noise_is_not():
    term = CPC(context=32, steps=3)
    sound = learnt(term, ramps, 80)
    assert sound["accuracy"] > 8 * sound["chance"] and sound["chance"] < 0.05
    module = objective_of(term).terms[0]
    assert module.fault(sound) is None
    random = learnt(term, noise, 25)
    assert random["accuracy"] < 1.2 * random["chance"]
    fault = module.fault(random)
    assert fault is not None and "cannot tell what comes" in fault.clause


def test_frames_that_are_shared_make_noise_look_foreseeable():
    """Why distances are counted from where hearing ends."""
    told = learnt(CPC(context=32, steps=1, overlap=True), noise, 80)
    assert told["accuracy"] > 2 * told["chance"]


def test_segments_are_steps_for_any_encoder():
    model = SMALL.model_copy(update={"segments": Segments(frames=8)})
    objective = objective_of(CPC(steps=4), model).eval()
    batch = features(SPEC, [64, 30, 64])
    with torch.no_grad():
        lost = objective.terms[0](look_at(objective, batch), ("noisy",))
        apart = objective.terms[0](look_at(objective, alone(batch, 0)), ("noisy",))
    assert bool(lost.isfinite().all()) and objective.terms[0].gap == 0
    assert float(objective.terms[0].signs["chance"]) == pytest.approx(1 / 8) and apart.shape == (1,)
