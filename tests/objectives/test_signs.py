"""How guesses look, and when they have gone wrong."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
import torch

from earmark.objectives.objective import Part
from earmark.objectives.signs import GuessingModule, fault_of, furthest, signs_of
from earmark.objectives.terms.consistency import Consistency
from tests.some_terms import objective_for
from tests.tiny import PLAIN, objective_of

GOOD = {"confident": 0.6, "entropy": 0.2, "spread": 0.3, "labels": 1.2, "drift": 0.2}


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
        ({"confident": 0.0}, "hardly ever sure"),
    ],
)
def test_each_fault_has_a_clause(signs, words):
    assert fault_of(GOOD, 1.2) is None
    fault = fault_of({**GOOD, **signs}, 1.2)
    assert fault is not None and re.search(words, fault.clause)


def test_the_class_that_drifts_most_is_named_as_it_was_guessed_lately():
    objective = objective_for(Consistency(), PLAIN)
    module = objective.terms[0]
    assert isinstance(module, GuessingModule)
    bad = {**GOOD, "drift": 0.9}
    early = module.fault(bad)
    assert early is not None and early.clause.endswith("(drift 0.90 of at most 1)"), "nothing was guessed yet"
    for guesses in ([[0.9, 0.1, 0.0]] * 10, [[0.0, 0.1, 0.9]] * 400):
        for row in guesses:
            module.tell(torch.tensor([row, row]))
    fault = module.fault(bad)
    assert fault is not None
    assert re.search(r"drift 0\.90 of at most 1, 'c' above all: 90\.0 % of what is guessed and 33\.3 %", fault.clause)
    assert not module.state_dict(), "it serves a sentence, and no run depends on it"


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
