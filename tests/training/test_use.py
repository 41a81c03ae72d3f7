"""Weights for use: averaged, with statistics that fit, and the training none the wiser."""

from __future__ import annotations

import pytest
import torch

from earmark.core.chance import Chance
from earmark.training.averages.ema import EMA
from earmark.training.averages.swa import SWA
from earmark.training.optimizers.adam import Adam
from earmark.training.settings import TrainingSettings
from earmark.training.use import weights_of_use
from tests.tiny import same_tensors, stream_of

FAST = TrainingSettings(epochs=4, optimizer=Adam(lr=0.03))
AVERAGES = [EMA(decay=0.9, refresh_batches=3), SWA(from_share=0.25, refresh_batches=3)]


def clones(learner):
    return {name: value.clone() for name, value in learner.state()[0].items()}


@pytest.mark.parametrize("average", AVERAGES, ids=["ema", "swa"])
def test_statistics_are_those_of_the_averaged_weights_over_training_batches(fabric, learner_of, train, average):
    settings = FAST.model_copy(update={"average": average})
    learner = learner_of(settings)
    train(learner, settings)
    before = clones(learner)
    used = weights_of_use(fabric, learner, {"curated": stream_of()}, settings, Chance(0))
    assert same_tensors(clones(learner), before)
    changed = {name for name, value in used.items() if not torch.equal(value, learner.average.state[name])}
    assert changed and all("running" in name or "num_batches" in name for name in changed)
    # By hand: the first layer's statistics are the plain mean over the same batches.
    network, view = learner.objective.network, learner.objective.view
    network.load_state_dict(used)
    first, seen = network.encoder.blocks[0].norms[0], []
    first.register_forward_pre_hook(lambda layer, inputs: seen.append(inputs[0].detach().mean((0, 2, 3))))
    network.train()
    for number in range(3):
        network(view(stream_of().batch(number)))
    name = next(name for name, module in network.named_modules() if module is first)
    torch.testing.assert_close(used[f"{name}.running_mean"], torch.stack(seen).mean(0), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("average", [*AVERAGES, None, EMA(decay=0.9)], ids=["ema", "swa", "none", "plain"])
def test_looking_changes_nothing_and_sees_the_same_each_time(fabric, learner_of, train, average):
    settings = FAST.model_copy(update={"average": average})
    looked, left_alone = learner_of(settings), learner_of(settings)
    streams = {"curated": stream_of()}
    train(looked, settings, n_epochs=2)
    one = weights_of_use(fabric, looked, streams, settings, Chance(0))
    one = {name: value.clone() for name, value in one.items()}
    assert same_tensors(one, weights_of_use(fabric, looked, streams, settings, Chance(0)))
    train(looked, settings)
    train(left_alone, settings)
    assert same_tensors(looked.state()[0], left_alone.state()[0])


def test_before_an_average_has_begun_the_weights_are_used_as_they_are(fabric, learner_of, train):
    settings = FAST.model_copy(update={"average": SWA(from_share=0.75)})
    learner = learner_of(settings)
    train(learner, settings, n_epochs=2)
    used = weights_of_use(fabric, learner, {"curated": stream_of()}, settings, Chance(0))
    assert same_tensors(used, learner.objective.network.state_dict())


def test_the_training_goes_on_after_a_look_that_failed(fabric, learner_of, train, monkeypatch):
    settings = FAST.model_copy(update={"average": AVERAGES[0]})
    learner = learner_of(settings)
    train(learner, settings, n_epochs=1)
    before = clones(learner)
    stream = stream_of()
    monkeypatch.setattr(stream, "batch", lambda number: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        weights_of_use(fabric, learner, {"curated": stream}, settings, Chance(0))
    assert same_tensors(clones(learner), before)
