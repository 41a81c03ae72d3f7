"""Two views of a clip: the numbers, which of them learn, and what is left out of them."""

from __future__ import annotations

import pytest
import torch

from earmark.core.chance import Chance
from earmark.objectives.look import Look
from earmark.objectives.objective import Objective, Step
from earmark.objectives.terms.consistency import Consistency
from earmark.signal.augment.mixing.mixup import Mixup
from tests.some_terms import batches, objective_for, objective_with_parts, part_of
from tests.tiny import PLAIN


def look_of(objective: Objective) -> Look:
    return Look(objective.view, objective.network, batches(), Chance(0), 1.0)


def step() -> Step:
    return Step(batches(), Chance(0), 1.0)


@pytest.mark.parametrize("activation", ["sigmoid", "softmax"])
@pytest.mark.parametrize("over_classes", ["mean", "sum"])
def test_the_squared_difference_of_probabilities(activation, over_classes):
    objective = objective_for(Consistency(activation=activation, over_classes=over_classes), PLAIN).eval()
    look = look_of(objective)
    lost = objective.terms[0](look, ("noisy",))
    one, two = (look.logits(("noisy",), view).detach().double() for view in (0, 1))
    change = one.sigmoid() - two.sigmoid() if activation == "sigmoid" else one.softmax(dim=1) - two.softmax(dim=1)
    wanted = getattr(change.square(), over_classes)(dim=1)
    torch.testing.assert_close(lost.detach().double(), wanted, rtol=1e-4, atol=1e-9)
    assert float(wanted.max()) > 0


def test_as_executed_in_2019_next_to_nothing_comes_of_it():
    """Softmax, summed, with a weight of 0.01: less than a thousandth of what the same change costs by sigmoids."""
    legacy = Consistency(activation="softmax", over_classes="sum", branches="both")
    old, new = (
        objective_for(term, PLAIN, weight=weight).eval()(step())
        for term, weight in ((legacy, 0.01), (Consistency(), 1))
    )
    assert 0 < float(old.total.detach()) < 0.05 * float(new.total.detach())


@pytest.mark.parametrize("branches", ["both", "one"])
def test_with_one_branch_the_second_view_only_guesses(branches):
    objective = objective_for(Consistency(branches=branches), PLAIN).eval()
    objective(step()).total.backward()
    learnt = {name: p for name, p in objective.network.named_parameters() if p.grad is not None}
    look = look_of(objective)
    one, two = look.logits(("noisy",)).sigmoid(), look.logits(("noisy",), 1).sigmoid()
    wanted = (one - (two.detach() if branches == "one" else two)).square().mean()
    by_hand = torch.autograd.grad(wanted, list(learnt.values()))
    for (name, found), gradient in zip(learnt.items(), by_hand, strict=True):
        torch.testing.assert_close(found.grad, gradient, rtol=1e-3, atol=1e-7, msg=name)


def test_views_are_compared_without_their_partners():
    """Where everything but mixing is left out, the two views are the same sounds, so there is nothing to lose."""
    objective = objective_with_parts({"it": part_of(Consistency())}, PLAIN, Mixup(p=1)).eval()
    plain = objective_for(Consistency(), PLAIN).eval()
    torch.testing.assert_close(objective(step()).total, plain(step()).total)
    assert objective(step()).signs.keys() == {"it"}
