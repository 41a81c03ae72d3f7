"""The supervised term: whose clips count, and over what the mean is taken."""

from __future__ import annotations

import re

import pytest
import torch
from torch import Tensor

from earmark.core.batch import Batch
from earmark.core.chance import Chance
from earmark.objectives.look import Look
from earmark.objectives.material import Material
from earmark.objectives.missing import MissingLabels
from earmark.objectives.objective import Objective, Part, Step
from earmark.objectives.rejection import Gate, Outliers
from earmark.objectives.terms.supervised import Supervised, SupervisedModule
from earmark.schedules.schedule import Place
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


def module_of(term: Supervised) -> SupervisedModule:
    return term.build(objective_of().network)


def test_it_tells_how_many_of_the_clips_that_may_be_dropped_are():
    def dropped(term: Supervised, made: Batch, epoch: float = 5.0) -> float:
        objective = objective_of({"it": Part(term=term)}, PLAIN).eval()
        return float(objective(Step({"curated": made}, Chance(0), epoch)).signs["it"]["dropped"])

    half = Supervised(outliers=Outliers(share_of_max=1e-6))
    assert dropped(half, batch()) == 1, "both noisy ones; nobody else may be"
    assert dropped(half, batch(weights=torch.tensor([1.0, 0.0, 1.0, 1.0]))) == 1
    assert dropped(half, batch(weights=torch.tensor([1.0, 0.0, 0.0, 1.0]))) == 0, "where there is none, none is"
    assert dropped(half.model_copy(update={"outliers": Outliers(share_of_max=1e-6, from_epoch=6)}), batch()) == 0
    worst = Supervised(outliers=Outliers(share_of_max=0.9999, origins=None))
    assert dropped(worst, batch()) == pytest.approx(0.25)
    gate = Supervised(gate=Gate(threshold=1e-6))  # everything is said to be there
    assert dropped(gate, batch(targets=torch.ones(4, 3) * torch.tensor([[1.0], [1.0], [0.0], [1.0]]))) == 0.75
    assert objective_of()(Step({"curated": batch()}, Chance(0), 1.0)).signs == {}


def test_hardly_any_clip_left_is_a_fault():
    module = module_of(Supervised(gate=Gate()))
    fault = module.fault({"dropped": 0.97})
    assert fault is not None and "drops 97.0 % of the clips that may be dropped" in fault.clause
    assert module.fault({"dropped": 0.9}) is None


@pytest.mark.parametrize(
    ("missing", "good", "bad", "words"),
    [
        (MissingLabels(share=0.01), 0.03, 0.05, r"ignores 5\.0 % of the absent labels, where 1 % were to be"),
        (MissingLabels(share=0.4), 0.6, 0.75, r"ignores 75\.0 % of the absent labels, where 40 % were to be"),
        (MissingLabels(share=None, threshold=0.5), 0.15, 0.25, r"ignores 25\.0 % of the absent labels, so"),
    ],
)
def test_far_more_labels_ignored_than_can_be_meant_is_a_fault(missing, good, bad, words):
    """Averages that rise take ever more labels over the cut, and who hears of no absence says everything is there."""
    module = module_of(Supervised(missing=missing))
    assert module.fault({"ignored": good}) is None
    fault = module.fault({"ignored": bad})
    assert fault is not None and re.search(words, fault.clause)


def test_averages_that_have_risen_since_the_cut_are_told():
    """From the labels to the sentence in the log."""
    objective = objective_of({"it": Part(term=Supervised(missing=MissingLabels(share=0.1, decay=0.0)))}, PLAIN).eval()
    stream = stream_of(batch_size=4)
    objective.meet(Material(("a", "b", "c"), {"curated": stream.clips}))
    module = objective.terms[0]
    assert isinstance(module, SupervisedModule) and module.missing is not None
    made = stream.batch(0)
    everybody = torch.arange(24)
    module.missing.take(everybody, torch.linspace(0.1, 0.3, 72).view(24, 3))
    module.missing.after_step(Place(6, 6, 3))
    cut = float(module.missing.cut)
    module.missing.take(everybody, torch.full((24, 3), 0.6))
    module.missing.after_step(Place(7, 6, 3))
    assert float(module.missing.cut) == cut < 0.3, "it is found anew at the end of the epoch only"
    told = {
        name: float(value) for name, value in objective(Step({"curated": made}, Chance(0), 1.5)).signs["it"].items()
    }
    assert told == {"ignored": 1.0}
    history = [{"epoch": 2, "signs": {"it": told}}]
    assert "part 'it' is in trouble: it ignores 100.0 % of the absent" in objective.warnings(history)[0]


@pytest.mark.parametrize("settings", [{"origins": ["noisy"]}, {"outliers": {"origins": None}}, {"gate": {}}])
def test_settings_survive_being_written(settings):
    term = Supervised.model_validate(settings)
    assert Supervised.model_validate(term.model_dump(mode="json")) == term
