"""Terms in a training: it goes on bit for bit where it was stopped, and the log has what they tell."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from earmark.objectives.objective import Part
from earmark.runs.checkpoints import load, save
from earmark.training.averages.ema import EMA
from earmark.training.learner import Learner
from earmark.training.optimizers.adam import Adam
from earmark.training.optimizers.sam import SAM
from earmark.training.optimizers.sgd import SGD
from earmark.training.settings import TrainingSettings
from tests.some_terms import cases, objective_with_parts, part_of, streams, term_of
from tests.tiny import same_tensors

PLAIN = TrainingSettings(epochs=2, optimizer=Adam(lr=0.01), average=EMA(decay=0.5))
SHARP = TrainingSettings(epochs=2, optimizer=SAM(base=SGD(lr=0.05)), accumulate=2)


def learner_of(kind: str, settings: dict[str, Any], folder: Any, training: TrainingSettings, seed: int = 0) -> Learner:
    parts = {"labels": Part(), "it": part_of(term_of(kind, settings, folder))}
    objective = objective_with_parts(parts)
    for module in (objective.network, objective.terms):
        module.to(memory_format=torch.channels_last)
    if seed:
        with torch.no_grad():
            for value in objective.state_dict().values():
                value.add_(seed)
    return Learner(objective, training.optimizer, training.average)


@pytest.mark.parametrize(
    ("kind", "settings"), [pytest.param(*case, id=f"{case[0]}-{i}") for i, case in enumerate(cases())]
)
def test_a_training_that_was_stopped_ends_bit_for_bit_like_one_that_was_not(train, tmp_path, kind, settings):
    training = SHARP if settings else PLAIN
    straight = learner_of(kind, settings, tmp_path, training)
    log = train(straight, training, streams())
    stopped = learner_of(kind, settings, tmp_path, training)
    first = train(stopped, training, streams(), n_epochs=1)
    save(tmp_path / "last", *stopped.state())
    resumed = learner_of(kind, settings, tmp_path, training, seed=9)
    resumed.load(*load(tmp_path / "last"))
    last = train(resumed, training, streams())
    assert same_tensors(resumed.state()[0], straight.state()[0])
    assert [each.losses for each in first + last] == [each.losses for each in log]
    assert [each.signs for each in first + last] == [each.signs for each in log]


def test_the_log_has_what_terms_tell(train, tmp_path):
    learner = learner_of("mean_teacher", {}, tmp_path, PLAIN)
    for epoch in train(learner, PLAIN, streams()):
        assert set(epoch.signs) == {"it"}, "the supervised part has nothing to tell"
        assert set(epoch.signs["it"]) == {"confident", "entropy", "spread", "labels", "drift", "unguessed"}
        assert all(isinstance(value, float) for value in epoch.signs["it"].values())
    one, other = (learner_of("mean_teacher", {}, tmp_path, PLAIN) for _ in range(2))
    steady = PLAIN.model_copy(update={"epochs": 1, "accumulate": 3})
    whole = train(one, PLAIN.model_copy(update={"epochs": 1}), streams())[0].signs["it"]
    summed = train(other, steady, streams())[0].signs["it"]
    assert whole.keys() == summed.keys()


def test_statistics_taken_anew_leave_no_trace_in_terms(tmp_path):
    """Batches that the averaged weights hear for their statistics are not learnt from."""
    learner = learner_of("refurbish", {}, tmp_path, PLAIN)
    from earmark.core.chance import Chance
    from earmark.objectives.objective import Step
    from earmark.schedules.schedule import Place

    with torch.no_grad():
        learner.objective(Step({name: s.batch(0) for name, s in streams().items()}, Chance(3), 1.0))
    learner.after_step(Place(1, 3, 2))
    assert not bool(learner.objective.terms[1].memory.n_seen.any())
