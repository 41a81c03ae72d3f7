"""The supervised term: whose clips count, and over what the mean is taken."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from earmark.core.batch import Batch
from earmark.core.chance import Chance
from earmark.objectives.look import Look
from earmark.objectives.objective import Objective, Part, Step
from earmark.objectives.rejection import Gate, Outliers
from earmark.objectives.terms.supervised import Supervised
from tests.tiny import PLAIN, objective_of, stream_of

ORIGINS = torch.tensor([0, 1, 1, 0])


def batch(**changes: Tensor) -> Batch:
    return stream_of().batch(0).changed(origins=ORIGINS, **changes)


def lost_by(term: Supervised, made: Batch, epoch: float = 5.0) -> Tensor:
    objective = objective_of({"it": Part(term=term)}, PLAIN).eval()
    look = Look(objective.view, objective.network, {"curated": made}, Chance(0), epoch)
    with torch.no_grad():
        return term.build(objective.network)(look, ("curated",))


def mean_of(made: Batch, **terms: Supervised) -> tuple[Objective, Tensor]:
    objective = objective_of({name: Part(term=term) for name, term in terms.items()}, PLAIN).eval()
    return objective, objective(Step({"curated": made}, Chance(0), 5.0)).total


def test_parts_for_each_origin_add_up_to_the_mean_over_the_batch():
    _, whole = mean_of(batch(), all=Supervised())
    _, parts = mean_of(batch(), a=Supervised(origins=("curated",)), b=Supervised(origins=("noisy",)))
    torch.testing.assert_close(parts, whole)
    assert (lost_by(Supervised(origins=("noisy",)), batch()) == 0).tolist() == [True, False, False, True]


def test_dropped_clips_leave_the_mean_over_those_kept():
    made = batch(weights=torch.tensor([1.0, 0.5, 1.0, 2.0]))
    plain = lost_by(Supervised(), made)
    worst = int(plain.argmax())
    made = made.changed(origins=torch.full((4,), 1))
    objective, mean = mean_of(made, it=Supervised(outliers=Outliers(share_of_max=0.9999)))
    kept = torch.arange(4) != worst
    torch.testing.assert_close(mean.detach(), (plain * made.weights)[kept].sum() / made.weights[kept].sum())
    mean.backward()
    found = [p.grad.clone() for p in objective.network.parameters() if p.grad is not None]
    other, mean = mean_of(made.changed(weights=made.weights * kept), it=Supervised())
    mean.backward()
    for one, two in zip(found, [p.grad for p in other.network.parameters() if p.grad is not None], strict=True):
        torch.testing.assert_close(one, two)


def test_nobody_is_dropped_before_the_epoch_nor_when_curated():
    late = Supervised(outliers=Outliers(share_of_max=0.1, from_epoch=3))
    plain = lost_by(Supervised(), batch())
    assert torch.equal(lost_by(late, batch(), epoch=2.9), plain)
    assert (lost_by(late, batch(), epoch=3.0) == 0).tolist() == [False, True, True, False]


def test_where_all_are_dropped_nothing_is_lost_and_nothing_moves():
    made = batch(targets=torch.ones(4, 3))
    gate = Gate(threshold=1e-6)  # everything is said to be there, and is
    objective, mean = mean_of(made, it=Supervised(gate=gate))
    assert float(mean.detach()) == 0
    mean.backward()
    assert all(p.grad is None or not p.grad.any() for p in objective.network.parameters())
    assert bool((lost_by(Supervised(gate=gate), batch(targets=torch.eye(3)[[0, 1, 2, 0]])) > 0).all())


@pytest.mark.parametrize("settings", [{"origins": ["noisy"]}, {"outliers": {"origins": None}}, {"gate": {}}])
def test_settings_survive_being_written(settings):
    term = Supervised.model_validate(settings)
    assert Supervised.model_validate(term.model_dump(mode="json")) == term
