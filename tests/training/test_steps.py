"""What happens in a step: its rate, and the passes that its optimizer asks for."""

from __future__ import annotations

import pytest
import torch

from earmark.core.errors import Diverged, SettingsError
from earmark.schedules.cosine import Constant
from earmark.schedules.plateau import Plateau
from earmark.schedules.schedule import Place, Schedule
from earmark.training.optimizers.adam import Adam
from earmark.training.optimizers.sam import SAM
from earmark.training.optimizers.sgd import SGD
from earmark.training.settings import TrainingSettings
from tests.tiny import same_tensors, stream_of

STEADY = TrainingSettings(epochs=2, optimizer=Adam(lr=0.01), schedule=Constant())


class _Listed(Schedule, kind="listed"):
    """Notes where it is asked."""

    def __call__(self, place: Place) -> float:
        ASKED.append(place)
        return 1.0 + place.step


ASKED: list[Place] = []


@pytest.mark.parametrize("accumulate", [1, 2])
def test_the_rate_is_that_of_each_step(learner_of, train, accumulate):
    settings = STEADY.model_copy(update={"accumulate": accumulate, "schedule": _Listed()})
    learner = learner_of(settings)
    used: list[float] = []
    step = learner.optimizer.step
    learner.optimizer.step = lambda: (used.append(learner.optimizer.param_groups[0]["lr"]), step())[1]
    ASKED.clear()
    train(learner, settings, {"curated": stream_of((4000,) * 16)})
    n = 4 // accumulate
    assert [(place.step, place.steps_per_epoch, place.n_epochs) for place in ASKED] == [(i, n, 2) for i in range(2 * n)]
    assert used == pytest.approx([0.01 * (1 + i) for i in range(2 * n)])


def test_a_schedule_that_answers_to_the_training_reads_its_history(learner_of, train):
    settings = STEADY.model_copy(update={"epochs": 4, "schedule": Plateau(patience_epochs=0, factor=0.5, least_gain=9)})
    epochs = train(learner_of(settings), settings, history=[])
    assert [each.lr for each in epochs] == [0.01, 0.01, 0.005, 0.0025]
    with pytest.raises(SettingsError, match=r"plateau.*history"):
        train(learner_of(settings), settings)


@pytest.mark.parametrize("accumulate", [1, 2])
def test_a_second_pass_sees_the_same_and_leaves_no_trace(learner_of, train, accumulate):
    """With a climb of next to nothing both passes are alike, so it is the plain training, dropout and all."""
    base = SGD(lr=0.05)
    plain, sharp = (
        STEADY.model_copy(update={"optimizer": optimizer, "accumulate": accumulate})
        for optimizer in (base, SAM(rho=1e-9, base=base))
    )
    one, other = learner_of(plain), learner_of(sharp)
    log, sharp_log = train(one, plain), train(other, sharp)
    for a, b in zip(log, sharp_log, strict=True):
        assert b.losses == pytest.approx(a.losses, rel=1e-5) and b.lr == a.lr and b.n_clips == a.n_clips
        assert b.gradient_norm == pytest.approx(a.gradient_norm, rel=1e-4)
    states = one.state()[0], other.state()[0]
    for name, value in states[0].items():
        torch.testing.assert_close(states[1][name], value, rtol=1e-3, atol=1e-5, msg=name)
    assert other.step == one.step
    counters = [value.item() for name, value in states[1].items() if name.endswith("num_batches_tracked")]
    assert set(counters) == {12}, "statistics are moved by the first pass only"


def test_a_climb_changes_where_the_training_goes(learner_of, train):
    ends = []
    for optimizer in (SGD(lr=0.05), SAM(rho=0.5, base=SGD(lr=0.05))):
        settings = STEADY.model_copy(update={"optimizer": optimizer})
        learner = learner_of(settings)
        train(learner, settings)
        ends.append(learner.state()[0])
    assert not same_tensors(*ends)


def test_a_second_pass_that_is_no_number_is_found(learner_of, train):
    settings = STEADY.model_copy(update={"optimizer": SAM(rho=1e30)})
    with pytest.raises(Diverged, match="'gradient' was no longer finite at step 1;"):
        train(learner_of(settings), settings)
