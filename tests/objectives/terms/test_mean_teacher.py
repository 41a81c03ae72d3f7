"""The teacher: how it follows the student, what becomes of its statistics, and what the student is asked."""

from __future__ import annotations

import pytest
import torch
from pydantic import ValidationError

from earmark.core.chance import Chance
from earmark.losses.bce import BCE
from earmark.losses.mse import MSE
from earmark.objectives.look import Look
from earmark.objectives.objective import Step
from earmark.objectives.terms.mean_teacher import MeanTeacher
from earmark.schedules.schedule import Place
from tests.some_terms import batches, objective_for
from tests.tiny import PLAIN, same_tensors


def test_it_follows_by_the_law_of_the_warm_up():
    objective = objective_for(MeanTeacher(decay=0.75), PLAIN)
    term = objective.terms[0]
    weight, mine = next(iter(objective.network.parameters())), next(iter(term.teacher.parameters()))
    wanted = mine.detach().clone().double()
    for step in range(6):
        with torch.no_grad():
            weight.add_(1.0)
        objective.after_step(Place(step + 1, 3, 9))
        decay = min(1 - 1 / (step + 1), 0.75)
        wanted = decay * wanted + (1 - decay) * weight.detach().double()
        torch.testing.assert_close(mine.double(), wanted, rtol=1e-5, atol=1e-6)
    assert int(term.n_updates) == 6 and not mine.requires_grad


def test_once_an_epoch_is_after_its_last_step():
    objective = objective_for(MeanTeacher(every="epoch"), PLAIN)
    taken = []
    for step in range(1, 7):
        objective.after_step(Place(step, 3, 9))
        taken.append(int(objective.terms[0].n_updates))
    assert taken == [0, 0, 1, 1, 1, 2]


@pytest.mark.parametrize("buffers", ["averaged", "copied", "left"])
def test_what_becomes_of_the_statistics(buffers):
    objective = objective_for(MeanTeacher(decay=0.5, buffers=buffers), PLAIN).train()
    teacher = objective.terms[0].teacher
    start = {name: value.clone() for name, value in teacher.named_buffers()}
    states = []
    for step in range(2):
        objective.network(objective.view(batches(step)["noisy"]))
        states.append({name: value.clone() for name, value in objective.network.named_buffers()})
        objective.after_step(Place(step + 1, 9, 9))
    now = dict(teacher.named_buffers())
    wanted = {
        name: {
            "left": start[name],
            "copied": states[1][name],
            "averaged": 0.5 * states[0][name] + 0.5 * value if value.is_floating_point() else value,
        }[buffers]
        for name, value in states[1].items()
    }
    for name, value in now.items():
        torch.testing.assert_close(value, wanted[name], msg=name)


@pytest.mark.parametrize("loss", [MSE(), BCE()])
def test_the_student_is_asked_for_what_the_teacher_says_of_another_view(loss):
    objective = objective_for(MeanTeacher(loss=loss), PLAIN).train()
    term = objective.terms[0]
    with torch.no_grad():
        for value in term.teacher.parameters():
            value.mul_(1.1)
    look = Look(objective.view, objective.network, batches(), Chance(0), 1.0)
    lost = term(look, ("noisy",))
    assert not term.teacher.training and term.train().training and not term.teacher.training
    taught = term.teacher(look.seen(("noisy",), 1)).sigmoid()
    logits = look.logits(("noisy",))
    by_hand = {
        "mse": (logits.sigmoid() - taught) ** 2,
        "bce": -(taught * logits.sigmoid().log() + (1 - taught) * (1 - logits.sigmoid()).log()),
    }
    torch.testing.assert_close(lost, by_hand[loss.kind].mean(dim=1))
    lost.sum().backward()
    assert all(parameter.grad is None for parameter in term.parameters())


def test_its_teacher_begins_as_the_student_and_answers_with_one_head():
    objective = objective_for(MeanTeacher(), PLAIN)
    assert same_tensors(objective.terms[0].teacher.state_dict(), objective.network.state_dict())
    objective(Step(batches(), Chance(0), 1.0))


def test_squared_error_is_the_default():
    assert MeanTeacher().loss == MSE()


def test_a_loss_that_takes_no_guesses_is_refused():
    with pytest.raises(ValidationError, match="loss 'hinge' takes labels that are there or not, but guesses lie"):
        MeanTeacher(loss={"kind": "hinge"})
