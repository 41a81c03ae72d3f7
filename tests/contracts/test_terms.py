"""What every term must keep to; a new member is tried with its defaults the moment it exists."""

from __future__ import annotations

import pytest
import torch

from earmark.core.batch import Batch
from earmark.core.chance import Chance
from earmark.objectives.look import Look
from earmark.objectives.objective import Objective, Part, Step
from earmark.objectives.term import Term, TermModule
from tests.tiny import PLAIN, objective_of, same_tensors, stream_of

every_term = pytest.mark.parametrize("kind", Term.members())


def objective_with(kind: str, **part: object) -> Objective:
    return objective_of({"it": Part(term=Term.members()[kind](), **part)}, PLAIN)


def step_of(number: int = 0, epoch: float = 1.0) -> Step:
    return Step({"curated": stream_of().batch(number)}, Chance(0).at("step", number=number), epoch)


def look_of(objective: Objective, step: Step) -> Look:
    return Look(objective.view, objective.network, step.batches, step.chance, step.epoch)


def term_of(objective: Objective) -> TermModule:
    return next(iter(objective.terms.children()))


def copied(module: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in module.state_dict().items()}


@every_term
def test_one_finite_loss_a_clip(kind):
    objective = objective_with(kind).train()
    lost = term_of(objective)(look_of(objective, step_of()), ("curated",))
    assert lost.shape == (4,) and bool(lost.isfinite().all())


@every_term
def test_its_gradient_reaches_the_student_only(kind):
    objective = objective_with(kind).train()
    step = step_of()
    objective(step).total.backward()
    students = {id(parameter) for parameter in objective.network.parameters()}
    assert any(p.grad is not None and bool(p.grad.any()) for p in objective.network.parameters())
    for name, parameter in term_of(objective).named_parameters():
        assert id(parameter) not in students, f"{name} is the student's own"
        assert parameter.grad is None, name
    assert all(parameter.grad is None for parameter in objective.view.parameters())
    assert all(getattr(step.batches["curated"], name).grad is None for name in ("values", "targets", "weights"))


@every_term
def test_its_state_changes_after_a_step_only_and_comes_back(kind):
    objective = objective_with(kind).train()
    before = copied(term_of(objective))
    objective(step_of()).total.backward()
    assert same_tensors(term_of(objective).state_dict(), before)
    with torch.no_grad():
        for parameter in objective.network.parameters():
            parameter.add_(0.1)
    objective.after_step()
    other = objective_with(kind)
    other.load_state_dict(objective.state_dict())
    assert same_tensors(other.state_dict(), objective.state_dict())
    one, two = objective.train()(step_of(1)), other.train()(step_of(1))
    assert torch.equal(one.total, two.total)


@every_term
def test_the_same_step_gives_the_same_loss(kind):
    one, two = (objective_with(kind).train()(step_of()) for _ in range(2))
    assert torch.equal(one.total, two.total) and torch.equal(one.parts, two.parts)


@every_term
def test_it_names_the_heads_it_asks_for(kind):
    heads = Term.members()[kind]().heads
    assert isinstance(heads, tuple) and all(isinstance(head, str) for head in heads)


def test_the_supervised_term_ignores_the_labels_that_are_not_known():
    objective = objective_with("supervised").eval()
    batch: Batch = stream_of().batch(0)
    known = torch.zeros_like(batch.known)
    known[1, 2] = True
    look = Look(objective.view, objective.network, {"curated": batch.changed(known=known)}, Chance(0), 1.0)
    lost = term_of(objective)(look, ("curated",)).detach()
    assert bool((lost[[0, 2, 3]] == 0).all()) and float(lost[1]) > 0
