"""A learner put back from its state goes on as if it had never stopped."""

from __future__ import annotations

import json
from typing import Any

import pytest
import torch

from earmark.core.errors import RunError
from earmark.models.encoders.skip_cnn import SkipCNN
from earmark.models.heads.mean_max import MeanMax
from earmark.models.network import ModelSettings
from earmark.runs.checkpoints import load, save
from earmark.schedules.one_cycle import OneCycle
from earmark.schedules.plateau import Plateau
from earmark.schedules.steps import Steps
from earmark.training.averages.average import Average
from earmark.training.averages.ema import EMA
from earmark.training.averages.swa import SWA
from earmark.training.optimizers.adam import Adam
from earmark.training.optimizers.adamw import AdamW
from earmark.training.optimizers.nadam import NAdam
from earmark.training.optimizers.optimizer import Optimizer
from earmark.training.optimizers.sam import SAM
from earmark.training.optimizers.sgd import SGD
from earmark.training.settings import TrainingSettings
from tests.tiny import same_tensors

HARD = TrainingSettings(
    epochs=3,
    optimizer=Adam(lr=0.01, amsgrad=True, weight_decay=0.01),
    average=EMA(decay=0.9),
    clip_norm=1.0,
    accumulate=2,
)
EASY = TrainingSettings(epochs=3)
WAYS = {
    "hard": HARD,
    "easy": EASY,
    "spared": TrainingSettings(epochs=3, optimizer=AdamW(lr=0.01, weight_decay=0.1, decay_norms=False)),
    "nadam": TrainingSettings(epochs=3, optimizer=NAdam(lr=0.01, weight_decay=0.01), schedule=OneCycle()),
    "sgd": TrainingSettings(epochs=3, optimizer=SGD(lr=0.1, weight_decay=0.01), schedule=Steps(every_epochs=1)),
    "plain sgd": TrainingSettings(epochs=3, optimizer=SGD(lr=0.1, momentum=0, nesterov=False)),
    "sam": TrainingSettings(epochs=3, optimizer=SAM(base=SGD(lr=0.1)), average=SWA(from_share=0.5, every_steps=2)),
    "sharp adam": TrainingSettings(
        epochs=3, optimizer=SAM(base=AdamW(lr=0.01)), clip_norm=1.0, accumulate=2, average=SWA(from_share=0.1)
    ),
    "plateau": TrainingSettings(epochs=4, optimizer=Adam(lr=0.01), schedule=Plateau(patience_epochs=0, least_gain=1)),
}
"""Every optimizer and every average; a new one belongs here."""


def state_of(learner: Any) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    tensors, facts = learner.state()
    return {name: value.clone() for name, value in tensors.items()}, facts


@pytest.mark.parametrize("settings", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("stop_after", [1, 2])
def test_a_training_that_was_stopped_ends_bit_for_bit_like_one_that_was_not(
    learner_of, train, tmp_path, settings, stop_after
):
    straight = learner_of(settings)
    history: list[dict[str, Any]] = []
    log = train(straight, settings, history=history)
    stopped = learner_of(settings)
    kept: list[dict[str, Any]] = []
    first_log = train(stopped, settings, n_epochs=stop_after, history=kept)
    save(tmp_path / "last", *stopped.state())
    resumed = learner_of(settings, seed=99)
    resumed.load(*load(tmp_path / "last"))
    assert same_tensors(resumed.state()[0], stopped.state()[0])
    for name, value in resumed.objective.state_dict().items():
        assert value.stride() == stopped.objective.state_dict()[name].stride(), name
    last_log = train(resumed, settings, history=json.loads(json.dumps(kept)))
    assert same_tensors(resumed.state()[0], straight.state()[0])
    assert json.dumps(resumed.state()[1]) == json.dumps(straight.state()[1])
    assert [each.losses for each in first_log + last_log] == [each.losses for each in log]
    assert [each.lr for each in first_log + last_log] == [each.lr for each in log]


def test_every_optimizer_and_every_average_is_among_those_that_are_stopped():
    assert {way.optimizer.kind for way in WAYS.values()} == set(Optimizer.members())
    assert {way.average.kind for way in WAYS.values() if way.average} == set(Average.members())


def test_two_learners_with_one_state_go_their_own_ways(learner_of, train):
    one = learner_of(HARD)
    train(one, HARD, n_epochs=1)
    other = learner_of(HARD)
    other.load(*one.state())
    before = state_of(other)
    train(one, HARD)
    assert same_tensors(state_of(other)[0], before[0])


def test_where_it_is_already_nothing_changes(learner_of, train):
    one, other = learner_of(HARD), learner_of(HARD)
    train(one, HARD, n_epochs=1)
    train(other, HARD, n_epochs=1)
    one.to(torch.device("cpu"))
    for name, value in one.state()[0].items():
        assert value.stride() == other.state()[0][name].stride(), name
    train(one, HARD)
    train(other, HARD)
    assert same_tensors(one.state()[0], other.state()[0])


def test_what_is_for_use_is_the_average_where_there_is_one(learner_of, train):
    averaged, plain = learner_of(HARD), learner_of(EASY)
    train(averaged, HARD, n_epochs=1)
    train(plain, EASY, n_epochs=1)
    assert same_tensors(plain.network_state(), plain.objective.network.state_dict())
    assert same_tensors(averaged.network_state(), averaged.average.state)
    assert not same_tensors(averaged.network_state(), averaged.objective.network.state_dict())
    averaged.objective.network.load_state_dict(averaged.network_state())


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (ModelSettings(encoder=SkipCNN(widths=(4, 7)), heads={"main": MeanMax(hidden=8)}), "is .* there and .* here"),
        (ModelSettings(encoder=SkipCNN(widths=(4, 6, 8)), heads={"main": MeanMax(hidden=8)}), "not in the checkpoint"),
        (ModelSettings(encoder=SkipCNN(widths=(4,)), heads={"main": MeanMax(hidden=8)}), "but not in the network"),
    ],
)
def test_the_state_of_another_network_is_refused_by_name(learner_of, model, words):
    tensors, facts = learner_of(EASY).state()
    with pytest.raises(RunError, match=f"the checkpoint is of another network: .*{words}"):
        learner_of(EASY, model=model).load(tensors, facts)


def test_an_average_that_the_state_lacks_is_refused(learner_of):
    tensors, facts = learner_of(EASY).state()
    learner = learner_of(HARD)
    with pytest.raises(RunError, match="not in the checkpoint"):
        learner.load(tensors, facts)
    assert learner.average.state


def test_the_state_is_tensors_and_plain_facts(learner_of, train, tmp_path):
    learner = learner_of(HARD)
    train(learner, HARD, n_epochs=1)
    tensors, facts = learner.state()
    assert all(isinstance(value, torch.Tensor) for value in tensors.values())
    save(tmp_path / "it", tensors, facts)
    again, read = load(tmp_path / "it")
    assert same_tensors(again, tensors)
    assert (read["epoch"], read["step"]) == (1, 3)
