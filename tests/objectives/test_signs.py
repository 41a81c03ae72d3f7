"""How guesses look, and when they have gone wrong."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
import torch

from earmark.core.chance import Chance
from earmark.objectives.look import Look
from earmark.objectives.objective import Objective, Part, Step
from earmark.objectives.signs import GuessingModule, fault_of, furthest, signs_of
from earmark.objectives.tally import Tally
from earmark.objectives.terms.consistency import Consistency
from earmark.schedules.schedule import Place
from tests.some_terms import batches, objective_for
from tests.tiny import PLAIN, objective_of, same_tensors

GOOD = {"confident": 0.6, "entropy": 0.2, "spread": 0.3, "labels": 1.2, "drift": 0.2, "unguessed": 0.0}
PLACE = Place(1, 3, 9)


def guessing(prior: torch.Tensor | None = None, classes: tuple[str, ...] = ()) -> tuple[Objective, GuessingModule]:
    """An objective whose only term guesses, with a vocabulary of its own if there is one."""
    objective = objective_for(Consistency(), PLAIN)
    module = objective.terms[0]
    assert isinstance(module, GuessingModule)
    if prior is not None:
        module.prior, module.classes, module.n_labels = prior, classes, float(prior.sum())
        module.tally = Tally(len(classes))
    return objective, module


def tell(objective: Objective, module: GuessingModule, guesses: torch.Tensor, number: int = 0) -> None:
    """As in one step of a training."""
    chance = Chance(0).at("step", number=number)
    look = Look(objective.view, objective.network, batches(), chance, 1.0)
    module.tell(look, ("noisy",), guesses)
    module.after_step(objective.network, PLACE)


def test_the_numbers_against_plain_arithmetic():
    p = torch.rand(5, 4, generator=torch.Generator().manual_seed(0))
    prior = torch.tensor([0.1, 0.2, 0.3, 0.4])
    signs = {name: float(value) for name, value in signs_of(p, prior, sure=0.9).items()}
    q = p.double().numpy()
    assert signs["confident"] == pytest.approx((q.max(axis=1) >= 0.9).mean())
    assert signs["entropy"] == pytest.approx(-(q * np.log(q) + (1 - q) * np.log(1 - q)).mean(), rel=1e-5)
    assert signs["labels"] == pytest.approx(q.sum() / 5)
    mean = q.mean(axis=0)
    assert signs["spread"] == pytest.approx(q.var(axis=0).sum() / (mean * (1 - mean)).sum(), rel=1e-5)
    assert signs["drift"] == pytest.approx(np.abs(mean / mean.sum() - prior.numpy()).sum() / 2, rel=1e-5)
    assert "drift" not in signs_of(p)


def test_the_ends_of_the_scales():
    prior = torch.tensor([0.5, 0.5, 0.0])
    sure = {name: float(value) for name, value in signs_of(torch.eye(3)[[0, 1, 0, 1]], prior).items()}
    assert sure == pytest.approx({"confident": 1, "entropy": 0, "spread": 1, "labels": 1, "drift": 0}, abs=1e-4)
    alike = {name: float(value) for name, value in signs_of(torch.tensor([[0.0, 0.0, 0.5]] * 4), prior).items()}
    assert alike["spread"] == 0 and alike["drift"] == pytest.approx(1)
    assert float(signs_of(torch.full((2, 3), 0.5))["entropy"]) == pytest.approx(math.log(2))
    assert all(math.isfinite(float(v)) for v in signs_of(torch.zeros(2, 3), torch.zeros(3)).values())


@pytest.mark.parametrize(
    ("signs", "words"),
    [
        ({"entropy": 0.68}, "perhaps"),
        ({"spread": 0.001}, "the same for all clips"),
        ({"labels": 9.0}, r"find 9\.0 labels a clip, where 1\.2"),
        ({"labels": 0.01}, "find next to nothing"),
        ({"drift": 0.9}, "other classes than the labels"),
        ({"unguessed": 0.4}, r"hardly ever guesses 40\.0 % of the classes \(less than a tenth as often as they are"),
        ({"confident": 0.0}, "hardly ever sure"),
    ],
)
def test_each_fault_has_a_clause(signs, words):
    assert fault_of(GOOD, 1.2) is None
    fault = fault_of({**GOOD, **signs}, 1.2)
    assert fault is not None and re.search(words, fault.clause)


def test_the_class_that_drifts_most_is_named_as_it_was_guessed_lately():
    objective, module = guessing()
    bad = {**GOOD, "drift": 0.9}
    early = module.fault(bad)
    assert early is not None and early.clause.endswith("(drift 0.90 of at most 1)"), "nothing was guessed yet"
    rows = [[0.9, 0.1, 0.0]] * 10 + [[0.0, 0.1, 0.9]] * 400
    for number, row in enumerate(rows):
        tell(objective, module, torch.tensor([row, row]), number)
    fault = module.fault(bad)
    assert fault is not None
    assert re.search(r"drift 0\.90 of at most 1, 'c' above all: 90\.0 % of what is guessed and 33\.3 %", fault.clause)
    other = guessing()[1]
    other.load_state_dict(module.state_dict())
    assert other.fault(bad) == fault, "after a break it says the same"


def test_guesses_that_leave_out_half_of_the_classes_are_a_fault_that_names_some():
    """By all the other signs they are good ones."""
    classes = tuple(f"class {i}" for i in range(80))
    objective, module = guessing(torch.full((80,), 1 / 80), classes)
    chance = torch.Generator().manual_seed(0)
    told = []
    for number in range(60):
        there = 2 * torch.randint(0, 40, (32,), generator=chance)  # the even classes alone
        guesses = torch.zeros(32, 80).scatter(1, there[:, None], 0.9)
        guesses[:, 7] = 1e-5
        tell(objective, module, guesses + 1e-4 * (guesses == 0) * (torch.arange(80) != 33), number)
        told.append({name: float(value) for name, value in module.signs.items()})
    last = told[-1]
    assert last["unguessed"] == pytest.approx(0.5) and 0.45 < last["drift"] < 0.75
    fault = module.fault(last)
    assert fault is not None and fault.name == "unguessed"
    assert "hardly ever guesses 50.0 % of the classes" in fault.clause
    assert "least of all 'class 33', 'class 7' and 'class 1'" in fault.clause
    assert told[0]["unguessed"] == 0, "one batch is too little to tell"


def test_what_is_counted_is_what_was_learnt_from():
    objective, module = guessing()
    objective.train()
    step = Step(batches(), Chance(0), 1.0)
    with torch.no_grad():
        objective(step)
    objective.after_step(PLACE)
    assert not bool(module.tally.counts.any()), "statistics taken anew, or a look at the held-out clips"
    objective(step)
    held = {name: value.clone() for name, value in module.state_dict().items()}
    assert not bool(module.tally.counts.any()), "before the step is over"
    objective(step)  # as an optimizer that looks at the same batch twice
    objective.after_step(PLACE)
    assert float(module.tally.counts[-1]) == 4 and not same_tensors(module.state_dict(), held)
    objective.after_step(PLACE)
    assert float(module.tally.counts[-1]) == 4


def test_the_furthest_class_against_a_loop():
    chance = torch.Generator().manual_seed(0)
    for _ in range(20):
        guessed, prior = (torch.rand(5, generator=chance) for _ in range(2))
        apart = [abs(float(guessed[i] / guessed.sum() - prior[i] / prior.sum())) for i in range(5)]
        place = apart.index(max(apart))
        found = furthest(guessed, prior, tuple("abcde"))
        assert found.name == "abcde"[place]
        assert found.guessed == pytest.approx(float(guessed[place] / guessed.sum()), abs=1e-5)
        assert found.labelled == pytest.approx(float(prior[place] / prior.sum()), abs=1e-5)


def test_a_fault_is_named_when_it_appears_and_not_of_the_first_epoch():
    objective = objective_of({"noisy": Part(term=Consistency())})
    objective.terms[0].n_labels = 1.0
    bad, other = {**GOOD, "confident": 0.0}, {**GOOD, "drift": 0.9}
    history: list[dict[str, object]] = []
    said = []
    for epoch, signs in enumerate([bad, bad, {**bad, "confident": 0.001}, GOOD, other], start=1):
        history.append({"epoch": epoch, "signs": {"noisy": signs}})
        said.append(objective.warnings(history))
    assert [len(each) for each in said] == [0, 1, 0, 0, 1]
    assert said[1][0].startswith("part 'noisy' is in trouble: its guesses are hardly ever sure")
    assert objective.warnings([]) == [] and objective.warnings([{"epoch": 2}]) == []
