"""MixMatch: how the two halves add up, what is mixed with what, and what is learnt from guesses."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from earmark.core.batch import Batch
from earmark.core.chance import Chance
from earmark.losses.bce import BCE
from earmark.losses.mse import MSE
from earmark.models.statistics import batch_norms
from earmark.objectives.look import Look
from earmark.objectives.objective import Objective, Step
from earmark.objectives.terms.mixmatch import MixMatch
from tests.some_terms import STREAMS, batches, objective_for
from tests.tiny import PLAIN

ALONE = 1e-6
"""With shares from this law next to nobody is mixed."""


def heard_by(objective: Objective) -> list[Batch]:
    heard: list[Batch] = []
    objective.network.register_forward_pre_hook(lambda _, arguments: heard.append(arguments[0]))
    return heard


def look_of(objective: Objective) -> Look:
    return Look(objective.view, objective.network, batches(), Chance(0), 1.0)


@pytest.mark.parametrize("at_once", [True, False])
def test_unmixed_it_is_the_mean_over_the_labelled_and_that_over_the_others(at_once):
    term = MixMatch(alpha=ALONE, guessed_weight=3, n_views=2, at_once=at_once)
    objective = objective_for(term, PLAIN).eval()
    made = dict(batches())
    made["noisy"] = made["noisy"].changed(weights=torch.tensor([1.0, 0.0, 2.0, 1.0]))
    mean = objective(Step(made, Chance(0), 1.0)).total
    look = Look(objective.view, objective.network, made, Chance(0), 1.0)
    labelled, views = look.seen(("curated",)), [look.seen(("noisy",), view) for view in range(2)]
    said = [objective.network(seen) for seen in views]
    guess = term.sharpening(torch.stack([each.sigmoid() for each in said]).mean(dim=0)).detach()
    known = torch.ones_like(guess, dtype=torch.bool)
    guessed = torch.stack([MSE()(each, guess, known) for each in said]).mean(dim=0)
    weights = made["noisy"].weights
    given = BCE()(objective.network(labelled), labelled.targets, labelled.known).mean()
    torch.testing.assert_close(mean, given + 3 * (guessed * weights).sum() / weights.sum(), rtol=1e-3, atol=1e-5)


def test_everything_is_mixed_with_everything_and_keeps_the_larger_share():
    objective = objective_for(MixMatch(n_views=2, alpha=5.0), PLAIN).train()
    heard = heard_by(objective)
    look = look_of(objective)
    objective.terms[0](look, STREAMS)
    mixed = heard[-1]
    assert len(heard) == 3 and len(mixed) == 12, "a guess a view, and all mixtures at once"
    own = torch.cat([look.seen(("curated",)).values, *(look.seen(("noisy",), view).values for view in range(2))])
    flat, wholes = mixed.values.flatten(1), own.flatten(1)
    found: list[tuple[int, float]] = []
    for row in range(12):
        away = wholes - wholes[row]
        step = flat[row] - wholes[row]
        along = (away @ step) / away.square().sum(dim=1).clamp(min=1e-9)
        miss = (step - along[:, None] * away).square().sum(dim=1)
        partner = int(miss.argmin())
        found.append((partner, float(along[partner])))
        assert float(miss[partner]) < 1e-3
    assert all(-1e-4 <= share <= 0.5 + 1e-4 for _, share in found)
    assert any(partner >= 4 for partner, _ in found[:4]) and any(partner < 4 for partner, _ in found[4:])


def test_labels_of_the_other_streams_are_not_looked_at():
    objective = objective_for(MixMatch(), PLAIN).eval()
    totals = []
    for targets in (torch.zeros(4, 3), torch.ones(4, 3)):
        made = dict(batches())
        made["noisy"] = made["noisy"].changed(targets=targets, known=targets < 0.5)
        totals.append(objective(Step(made, Chance(0), 1.0)).total)
    assert torch.equal(*totals)


def test_the_weight_of_guesses_ramps_up():
    def total(epoch: float, **settings: float) -> Tensor:
        objective = objective_for(MixMatch(**settings), PLAIN).train()
        return objective(Step(batches(), Chance(0), epoch)).total.detach()

    none, all_of_it = total(1.0, guessed_weight=0), total(1.0, guessed_weight=4)
    torch.testing.assert_close(total(0.0, guessed_weight=4, ramp_epochs=8), none)
    torch.testing.assert_close(total(2.0, guessed_weight=4, ramp_epochs=8), none + 0.25 * (all_of_it - none))
    torch.testing.assert_close(total(9.0, guessed_weight=4, ramp_epochs=8), all_of_it)


@pytest.mark.parametrize(
    ("at_once", "statistics_from", "n"),
    [
        (False, ("curated",), 1),
        (False, ("noisy",), 2),
        (False, ("elsewhere",), 0),
        (False, None, 3),
        (True, ("curated",), 1),
        (True, ("noisy",), 1),
        (True, ("elsewhere",), 0),
    ],
)
def test_running_statistics_move_by_the_streams_that_are_to_move_them(at_once, statistics_from, n):
    objective = objective_for(MixMatch(at_once=at_once, n_views=2), PLAIN).train()
    objective.statistics_from = statistics_from
    losses = [objective(Step(batches(), Chance(0), 1.0)).total.detach()]
    layers = batch_norms(objective.network)
    assert [int(layer.num_batches_tracked) for layer in layers] == [n] * len(layers)
    assert all(layer.track_running_stats for layer in layers)
    other = objective_for(MixMatch(at_once=at_once, n_views=2, in_use=False), PLAIN).train()
    for wanted in (statistics_from, None):  # in training it is the batch that normalises, either way
        other.statistics_from = wanted
        losses.append(other(Step(batches(), Chance(0), 1.0)).total.detach())
    assert torch.equal(*losses[1:])


def test_the_published_mistake_is_told_as_a_collapse():
    objective = objective_for(MixMatch(sharpening={"kind": "sigmoid_twice"}), PLAIN).train()
    signs = objective(Step(batches(), Chance(0), 1.0)).signs["it"]
    told = {name: float(value) for name, value in signs.items()}
    assert "perhaps" in objective.terms[0].fault(told).clause
    history = [{"epoch": epoch, "signs": {"it": told}} for epoch in (1, 2)]
    assert len(objective.warnings(history)) == 1
