"""How often each class was guessed lately: sums that fade, and classes that are hardly ever guessed."""

from __future__ import annotations

import pytest
import torch

from earmark.objectives.tally import ENOUGH, HARDLY, STAYS, Tally, counted, forgotten, least_guessed, unguessed
from tests.tiny import same_tensors


def guesses(number: int, n: int = 5) -> torch.Tensor:
    return torch.rand(n, 4, generator=torch.Generator().manual_seed(number))


def test_the_sums_fade_by_the_batch():
    tally = Tally(4)
    wanted, n = torch.zeros(4), 0.0
    for number in range(10):
        tally.take(counted(guesses(number, 3 + number)))
        wanted, n = STAYS * wanted + guesses(number, 3 + number).sum(dim=0), STAYS * n + 3 + number
    torch.testing.assert_close(tally.counts, torch.cat([wanted, torch.tensor([n])]))
    other = Tally(4)
    other.load_state_dict(tally.state_dict())
    assert same_tensors(other.state_dict(), tally.state_dict()) and len(tally.state_dict()) == 1


def test_several_processes_count_together(monkeypatch):
    more = torch.tensor([[1.0, 0.0, 0.0, 0.0, 2.0]])
    monkeypatch.setattr("earmark.objectives.tally.of_all_processes", lambda each: torch.cat([each, more]))
    tally = Tally(4)
    tally.take(counted(guesses(0)))
    torch.testing.assert_close(tally.counts, counted(guesses(0)) + more[0])


def test_forgotten_are_those_of_which_enough_was_to_be_expected():
    n = 1000.0
    prior = torch.tensor([0.1, 0.1, ENOUGH / n, 0.9 * ENOUGH / n, 0.0])
    few = torch.tensor([0.99 * HARDLY * 100, 1.01 * HARDLY * 100, 0.0, 0.0, 0.0])
    counts = torch.cat([few, torch.tensor([n])])
    assert forgotten(counts, prior).tolist() == [True, False, True, False, False]
    assert float(unguessed(counts, prior)) == pytest.approx(2 / 4), "of the classes that are there at all"
    assert least_guessed(counts, prior, tuple("abcde")) == ("c", "a")
    assert least_guessed(counts, prior, tuple("abcde"), most=1) == ("c",)


def test_where_nothing_is_known_nothing_is_forgotten():
    for counts, prior in ((torch.zeros(4), torch.rand(3)), (torch.tensor([0.0, 0.0, 0.0, 1e6]), torch.zeros(3))):
        assert float(unguessed(counts, prior)) == 0 and least_guessed(counts, prior, ("a", "b", "c")) == ()


@pytest.mark.parametrize("n_clips", [16, 32, 64])
def test_good_guesses_of_rare_classes_are_not_taken_for_none(n_clips):
    """Eighty classes, some of them rare, guessed as they come: in each batch most of them are missing by chance."""
    chance = torch.Generator().manual_seed(n_clips)
    prior = torch.logspace(-4, -1, 80)
    tally, found = Tally(80), []
    for _ in range(200):
        there = (torch.rand(n_clips, 80, generator=chance) < prior).float()
        told = counted(0.9 * there + 0.0001)
        found.append(float(unguessed(tally.moved(told), prior)))
        tally.take(told)
    assert max(found) < 0.05
