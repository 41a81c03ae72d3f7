"""The sum of terms: what is run, on which clips, with which weight; and what the student sees of them."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from earmark.core.batch import Batch
from earmark.core.chance import Chance
from earmark.core.errors import SettingsError
from earmark.core.spec import Spec
from earmark.models.heads.mean_max import MeanMax
from earmark.models.network import ModelSettings, Network
from earmark.objectives.look import Look
from earmark.objectives.objective import Objective, Part, Step
from earmark.objectives.term import Term, TermModule
from earmark.objectives.terms.supervised import Supervised
from earmark.schedules.schedule import Place
from earmark.signal.augment.gain import Gain
from earmark.signal.view import build_view
from tests.some_terms import material
from tests.tiny import N_CLASSES, PLAIN, RATE_HZ, VIEW, objective_of, stream_of, view_and_network


class Spy(Term, kind="spy"):
    """Loses what it is told to, and notes for which streams it was asked."""

    value: float = 1.0

    def build(self, network: Network) -> SpyModule:
        return SpyModule(self.value)


class SpyModule(TermModule):
    def __init__(self, value: float) -> None:
        super().__init__()
        self.value = value
        self.asked: list[tuple[str, ...]] = []
        self.n_steps = 0

    def forward(self, look: Look, streams: tuple[str, ...]) -> Tensor:
        self.asked.append(streams)
        return look.logits(streams).sum(dim=1) * 0 + self.value

    def after_step(self, network: Network, place: Place) -> None:
        self.n_steps += 1


def batches(*sizes: int) -> dict[str, Batch]:
    """One batch of each size, of streams a, b, ...."""
    return {"abc"[i]: stream_of(batch_size=n, seed=i).batch(0) for i, n in enumerate(sizes)}


def step_of(made: dict[str, Batch], epoch: float = 0.0) -> Step:
    return Step(made, Chance(0), epoch)


def spies(objective: Objective) -> list[SpyModule]:
    return [module for module in objective.modules() if isinstance(module, SpyModule)]


def test_parts_are_weighted_and_reported_unweighted():
    parts = {
        "one": Part(streams=("a",), weight=2, term=Spy(value=3)),
        "two": Part(streams=("a",), weight=0.5, term=Spy(value=10)),
    }
    losses = objective_of(parts)(step_of(batches(4)))
    assert losses.parts.tolist() == [3, 10] and float(losses.total.detach()) == 11
    assert not losses.parts.requires_grad


def test_a_part_of_weight_zero_is_not_run():
    parts = {
        "off": Part(streams=("a",), weight=0, term=Spy(value=99)),
        "on": Part(streams=("a",), term=Spy(value=2)),
    }
    objective = objective_of(parts)
    losses = objective(step_of(batches(4)))
    off, on = spies(objective)
    assert (off.asked, on.asked) == ([], [("a",)])
    assert losses.parts.tolist() == [0, 2] and float(losses.total.detach()) == 2


def test_a_part_of_weight_zero_meets_nothing_and_is_not_told_of_steps():
    off = Part(streams=("a",), weight=0, term=Spy())
    ramped = Part(streams=("a",), weight=1, ramp_epochs=5, term=Spy())
    objective = objective_of({"off": off, "ramped": ramped})
    met: list[str] = []
    for name, module in zip(("off", "ramped"), spies(objective), strict=True):
        module.meet = lambda *_, name=name: met.append(name)  # type: ignore[method-assign]
    objective.meet(material())
    objective(step_of(batches(4), epoch=0))
    objective.after_step(Place(1, 6, 2))
    assert met == ["ramped"]
    assert [module.n_steps for module in spies(objective)] == [0, 1], "the state of a ramped part follows all the while"


def test_a_ramp_starts_without_the_part_and_rises_linearly():
    part = Part(streams=("a",), weight=4, ramp_epochs=8, term=Spy(value=1))
    assert [part.weight_at(epoch) for epoch in (0, 2, 8, 20)] == [0, 1, 4, 4]
    objective = objective_of({"ramped": part})
    start = objective(step_of(batches(4), epoch=0))
    assert spies(objective)[0].asked == []
    start.total.backward()
    assert all(p.grad is not None and not p.grad.any() for p in objective.network.parameters())
    assert float(objective(step_of(batches(4), epoch=2)).total.detach()) == 1


def test_streams_go_apart_unless_they_are_joint():
    apart = objective_of({"it": Part(streams=("a", "b"), term=Spy())})
    apart(step_of(batches(4, 2)))
    assert spies(apart)[0].asked == [("a",), ("b",)]
    joint = objective_of({"it": Part(streams=("a", "b"), joint=True, term=Spy())})
    joint(step_of(batches(4, 2)))
    assert spies(joint)[0].asked == [("a", "b")]


def test_apart_and_joint_differ_in_batch_statistics_and_in_nothing_else():
    parts = [{"it": Part(streams=("a", "b"), joint=joint)} for joint in (False, True)]
    apart, joint = (objective_of(part, PLAIN) for part in parts)
    made = batches(4, 2)
    learning = [float(each.train()(step_of(made)).total.detach()) for each in (apart, joint)]
    assert abs(learning[0] - learning[1]) > 1e-4
    apart, joint = (objective_of(part, PLAIN).eval() for part in parts)
    torch.testing.assert_close(apart(step_of(made)).total, joint(step_of(made)).total)


def test_the_loss_of_a_part_is_the_mean_over_clips_by_their_weights():
    made = batches(4, 2)
    weights = torch.tensor([0.0, 1.0, 0.5, 0.0])
    made["a"] = made["a"].changed(weights=weights)
    objective = objective_of({"it": Part(streams=("a", "b"))}, PLAIN).eval()
    look = Look(objective.view, objective.network, made, Chance(0), 0.0)
    term = Supervised().build(objective.network)
    lost = torch.cat([term(look, ("a",)), term(look, ("b",))])
    wanted = (lost * torch.cat([weights, torch.ones(2)])).sum() / 3.5
    torch.testing.assert_close(objective(step_of(made)).total, wanted)
    made = {name: batch.changed(weights=torch.zeros(len(batch))) for name, batch in made.items()}
    assert float(objective(step_of(made)).total.detach()) == 0


def test_joint_streams_may_have_crops_of_different_length():
    made = batches(4, 2)
    short = made["b"].values[:, :2000].contiguous()
    made["b"] = made["b"].changed(values=short, lengths=torch.tensor([2000, 2000]))
    apart, joint = (objective_of({"it": Part(streams=("a", "b"), joint=j)}, PLAIN).eval() for j in (False, True))
    torch.testing.assert_close(apart(step_of(made)).total, joint(step_of(made)).total, rtol=1e-4, atol=1e-5)


def test_clips_are_seen_and_encoded_once_a_view_however_many_terms_ask():
    _, network = view_and_network()
    calls: list[str] = []
    view = build_view((Gain(p=1.0), *VIEW), Spec("wave", RATE_HZ))
    view.register_forward_hook(lambda *_: calls.append("seen"))
    network.encoder.register_forward_hook(lambda *_: calls.append("encoded"))
    network.heads["main"].register_forward_hook(lambda *_: calls.append("answered"))
    look = Look(view, network, batches(4), Chance(0), 0.0)
    first, again, other = look.seen(("a",)), look.seen(("a",)), look.seen(("a",), view=1)
    assert first is again and not torch.equal(first.values, other.values)
    look.logits(("a",))
    look.logits(("a",))
    look.logits(("a",), view=1)
    assert calls == ["seen", "seen", "encoded", "answered", "encoded", "answered"]


def test_a_part_learns_with_the_head_it_names():
    heads = {"main": MeanMax(hidden=8), "other": MeanMax(hidden=4)}
    model = ModelSettings(encoder=PLAIN.encoder, heads=heads)
    objective = objective_of({"it": Part(streams=("a",), term=Supervised(head="other"))}, model)
    objective(step_of(batches(4))).total.backward()
    assert all(p.grad is not None for p in objective.network.heads["other"].parameters())
    assert all(p.grad is None for p in objective.network.heads["main"].parameters())


def test_terms_are_told_when_a_step_is_over():
    objective = objective_of({"it": Part(streams=("a",), term=Spy())})
    objective.after_step(Place(1, 6, 2))
    objective.after_step(Place(1, 6, 2))
    assert spies(objective)[0].n_steps == 2


@pytest.mark.parametrize("name", ["train", "type", "a.b", "noisy labels", "keys"])
def test_a_part_may_be_called_anything_that_a_module_may_not(name):
    objective = objective_of({name: Part(streams=("a",), term=Spy(value=2))})
    assert float(objective(step_of(batches(4))).total.detach()) == 2
    objective.load_state_dict(objective.state_dict())


@pytest.mark.parametrize("name", ["total", "gradient"])
def test_a_part_may_not_be_called_what_the_log_calls_something_else(name):
    with pytest.raises(SettingsError, match=f"cannot be called '{name}'"):
        objective_of({name: Part()})


@pytest.mark.parametrize("name", ["train", "training", "a.b", ""])
def test_a_head_that_cannot_be_a_module_is_refused(name):
    with pytest.raises(ValueError, match="a head cannot be called"):
        ModelSettings(heads={"main": MeanMax(), name: MeanMax()})


def test_the_network_is_trained_once_wherever_it_is_mentioned():
    objective = objective_of()
    assert isinstance(objective.network, nn.Module)
    mine = {id(p) for p in objective.network.parameters()}
    assert {id(p) for p in objective.parameters()} == mine
    assert objective.network(objective.view(batches(4)["a"])).shape == (4, N_CLASSES)
