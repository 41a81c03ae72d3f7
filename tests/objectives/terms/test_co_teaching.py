"""Two nets: who chooses for whom, how much is left out, and that both learn."""

from __future__ import annotations

import math
from itertools import combinations, product

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from earmark.core.chance import Chance
from earmark.losses.bce import BCE
from earmark.objectives.look import Look
from earmark.objectives.objective import Objective, Step
from earmark.objectives.terms.co_teaching import CoTeaching, by_lot, smallest
from tests.some_terms import batches, objective_for
from tests.tiny import PLAIN, same_tensors


def both(objective: Objective) -> tuple[Tensor, Tensor, Look]:
    look = Look(objective.view, objective.network, batches(), Chance(0), 5.0)
    return look.logits(("noisy",)), objective.terms[0].peer(look.seen(("noisy",))), look


def test_each_learns_from_the_clips_that_lose_least_by_the_other():
    objective = objective_for(CoTeaching(forget=0.5, ramp_epochs=5), PLAIN).eval()
    one, two, _ = both(objective)
    targets, known = batches()["noisy"].targets, batches()["noisy"].known
    lost = [BCE()(each, targets, known) for each in (one, two)]
    kept = [each.argsort()[:2] for each in lost]
    mean = objective(Step(batches(), Chance(0), 5.0)).total
    torch.testing.assert_close(mean, lost[0][kept[1]].mean() + lost[1][kept[0]].mean())
    early = objective(Step(batches(), Chance(0), 0.0)).total
    torch.testing.assert_close(early, lost[0].mean() + lost[1].mean())


def test_single_labels_may_be_left_out():
    objective = objective_for(CoTeaching(forget=0.25, ramp_epochs=0, by="label"), PLAIN).eval()
    one, two, _ = both(objective)
    targets = batches()["noisy"].targets
    lost = [F.binary_cross_entropy_with_logits(each, targets, reduction="none") for each in (one, two)]
    kept = [(each <= each.flatten().sort().values[8]) for each in lost]
    wanted = BCE()(one, targets, kept[1]).mean() + BCE()(two, targets, kept[0]).mean()
    torch.testing.assert_close(objective(Step(batches(), Chance(0), 5.0)).total, wanted)


def test_nobody_is_left_out_who_is_trusted():
    objective = objective_for(CoTeaching(forget=0.5, ramp_epochs=0, origins=("noisy",)), PLAIN).eval()
    signs = objective(Step(batches(), Chance(0), 5.0)).signs["it"]
    assert float(signs["kept"]) == 1 and float(signs["agreement"]) == 1


@pytest.mark.parametrize("start", ["fresh", "copied"])
def test_where_the_second_net_begins(start):
    objective = objective_for(CoTeaching(start=start), PLAIN)
    peer = objective.terms[0].peer
    assert same_tensors(peer.state_dict(), objective.network.state_dict()) == (start == "copied")
    assert {p.data_ptr() for p in peer.parameters()}.isdisjoint(p.data_ptr() for p in objective.network.parameters())


def test_the_smallest_are_a_share_of_those_that_may_be_chosen():
    values = torch.tensor([5.0, 1.0, 1.0, 3.0, float("inf")])
    among = torch.tensor([True, True, True, True, True])
    assert smallest(values, among, 0.4).tolist() == [False, True, True, False, False]
    assert int(smallest(values, among, 1.0).sum()) == 5
    assert smallest(values, ~among, 0.5).any().item() is False


@pytest.mark.parametrize(("n", "trusted", "share"), [(5, 0, 0.8), (6, 2, 0.5), (4, 1, 0.01), (3, 0, 1.0), (0, 3, 0.5)])
def test_what_two_choices_agree_on_by_lot(n, trusted, share):
    """Against all pairs of choices: what both keep on average, as a share of what either does."""
    counted = torch.ones(n + trusted, dtype=torch.bool)
    doubtful = torch.arange(n + trusted) < n
    kept = math.ceil(share * n - 1e-4)
    pairs = list(product(combinations(range(n), kept), repeat=2))
    both = sum(len(set(a) & set(b)) + trusted for a, b in pairs)
    either = sum(len(set(a) | set(b)) + trusted for a, b in pairs)
    assert float(by_lot(counted, doubtful, share)) == pytest.approx(both / either)
    assert float(by_lot(counted & False, doubtful & False, share)) == 1


def test_nets_that_choose_alike_or_by_lot_are_named():
    objective = objective_for(CoTeaching(start="copied", forget=0.5, ramp_epochs=0), PLAIN).eval()
    module = objective.terms[0]
    signs = {name: float(value) for name, value in objective(Step(batches(), Chance(0), 5.0)).signs["it"].items()}
    fault = module.fault(signs)
    assert signs["kept"] == 0.5 and fault.name == "alike" and "agreement 1.000, 0.333 by lot" in fault.clause
    guesses = {"confident": 0.6, "entropy": 0.2, "spread": 0.3, "labels": 1.0}
    good = {"kept": 0.5, "agreement": 0.7, "chance": 0.333, **guesses}
    assert module.fault(good) is None
    assert module.fault({**good, "agreement": 0.34}).name == "lot"
    assert module.fault({**good, "spread": 0.0}).name == "spread", "the second net may collapse as any other"
    early = {**good, "kept": 1.0, "agreement": 1.0, "chance": 1.0}
    assert module.fault(early) is None, "nothing is left out yet"
