"""What every term must keep to; a new member is tried with its defaults the moment it exists."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from earmark.core.batch import Batch
from earmark.core.chance import Chance
from earmark.models.statistics import batch_norms
from earmark.objectives.look import Look
from earmark.objectives.objective import Objective, Part, Step
from earmark.objectives.signs import GuessingModule
from earmark.objectives.term import Fault, Term, TermModule
from earmark.schedules.schedule import Place
from earmark.signal.augment.mixing.mixup import Mixup
from earmark.stages.beginning import contents
from earmark.stages.external import external_of
from tests.some_terms import VARIANTS, batches, cases, objective_for, objective_with_parts, part_of, term_of
from tests.tiny import PLAIN, objective_of, same_tensors, stream_of

every_term = pytest.mark.parametrize(
    ("kind", "settings"), [pytest.param(*case, id=f"{case[0]}-{i}") for i, case in enumerate(cases())]
)
PLACE = Place(6, 6, 9)
"""The end of an epoch."""


def objective_with(kind: str, settings: dict[str, Any], folder: Path, **part: object) -> Objective:
    return objective_for(term_of(kind, settings, folder), PLAIN, **part).train()


def step_of(number: int = 0, epoch: float = 1.0) -> Step:
    return Step(batches(number), Chance(0).at("step", number=number), epoch)


def look_of(objective: Objective, step: Step) -> Look:
    return Look(objective.view, objective.network, step.batches, step.chance, step.epoch)


def one_term(objective: Objective) -> TermModule:
    return next(iter(objective.terms.children()))


def copied(module: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in module.state_dict().items()}


def moved(objective: Objective) -> None:
    """Other weights of the student, as if a step had been made."""
    with torch.no_grad():
        for parameter in objective.network.parameters():
            parameter.add_(0.1)


def stepped(objective: Objective, number: int = 0, place: Place = PLACE) -> None:
    """One step of plain descent."""
    objective(step_of(number)).total.backward()
    with torch.no_grad():
        for parameter in objective.parameters():
            if parameter.grad is not None:
                parameter.sub_(0.1 * parameter.grad)
                parameter.grad = None
    objective.after_step(place)


def test_every_variant_is_of_a_term():
    assert set(VARIANTS) <= set(Term.members())


@every_term
def test_one_finite_loss_a_clip(kind, settings, tmp_path):
    objective = objective_with(kind, settings, tmp_path)
    part, term = objective.parts["it"], one_term(objective)
    look = look_of(objective, step_of())
    lost = term(look, part.streams)
    assert lost.shape == (4 * len(part.streams),) == term.weights(look, part.streams).shape
    assert bool(lost.isfinite().all())


@every_term
def test_its_gradient_reaches_the_student_only(kind, settings, tmp_path):
    objective = objective_with(kind, settings, tmp_path)
    term = one_term(objective)
    for number in range(2):
        stepped(objective, number)
    step = step_of(2)
    objective(step).total.backward()
    students = {id(parameter) for parameter in objective.network.parameters()}
    assert any(p.grad is not None and bool(p.grad.any()) for p in objective.network.parameters())
    own = {id(parameter) for module in term.students for parameter in module.parameters()}
    for name, parameter in term.named_parameters():
        assert id(parameter) not in students, f"{name} is the student's own"
        assert (parameter.grad is not None) == (id(parameter) in own), name
        assert parameter.requires_grad == (id(parameter) in own), name
    assert all(parameter.grad is None for parameter in objective.view.parameters())
    for batch in step.batches.values():
        assert all(getattr(batch, name).grad is None for name in ("values", "targets", "weights"))


@every_term
def test_gradients_that_were_there_stay_and_are_added_to(kind, settings, tmp_path):
    """As where gradients are summed over batches: a term may take gradients of its own, but not touch these."""
    objective = objective_with(kind, settings, tmp_path)
    objective(step_of()).total.backward()
    alone = {name: p.grad.clone() for name, p in objective.network.named_parameters() if p.grad is not None}
    for parameter in objective.parameters():
        parameter.grad = torch.ones_like(parameter) if parameter.requires_grad else None
    again = objective_with(kind, settings, tmp_path)
    objective.load_state_dict(again.state_dict())
    losses = objective(step_of())
    assert all(bool((p.grad == 1).all()) for p in objective.parameters() if p.requires_grad)
    losses.total.backward()
    for name, parameter in objective.network.named_parameters():
        if name in alone:
            torch.testing.assert_close(parameter.grad, 1 + alone[name], rtol=1e-4, atol=1e-5)


@every_term
def test_its_state_changes_after_a_step_only_and_comes_back(kind, settings, tmp_path):
    objective = objective_with(kind, settings, tmp_path)
    before = copied(one_term(objective))
    objective(step_of()).total.backward()
    assert same_tensors(one_term(objective).state_dict(), before)
    moved(objective)
    objective.after_step(PLACE)
    if isinstance(term := one_term(objective), GuessingModule):
        assert float(term.tally.counts[-1]), "whoever guesses counts what is guessed, and does so after the step"
    other = objective_with(kind, settings, tmp_path)
    other.load_state_dict(objective.state_dict())
    assert same_tensors(other.state_dict(), objective.state_dict())
    one, two = objective(step_of(1)), other(step_of(1))
    assert torch.equal(one.total, two.total)
    objective.after_step(PLACE)
    other.after_step(PLACE)
    assert same_tensors(other.state_dict(), objective.state_dict())


@every_term
def test_only_the_first_pass_that_learns_counts(kind, settings, tmp_path):
    """Others go over the same batch again at other weights, or look at batches without learning from them."""
    plain, busy = (objective_with(kind, settings, tmp_path) for _ in range(2))
    plain(step_of())
    busy(step_of())
    term = one_term(busy)
    held = copied(busy.network)
    moved(busy)
    busy(step_of())
    with torch.no_grad():
        busy(step_of(3))
    busy.network.load_state_dict(held)
    for objective in (plain, busy):
        objective.after_step(PLACE)
    assert same_tensors(term.state_dict(), one_term(plain).state_dict())


@every_term
def test_of_weight_zero_it_is_not_run(kind, settings, tmp_path):
    objective = objective_with(kind, settings, tmp_path, weight=0)
    calls: list[int] = []
    one_term(objective).register_forward_hook(lambda *_: calls.append(1))
    before = copied(one_term(objective))
    objective(step_of())
    moved(objective)
    objective.after_step(PLACE)
    assert not calls and same_tensors(one_term(objective).state_dict(), before)


@every_term
def test_of_weight_zero_its_files_are_not_read(kind, settings, tmp_path):
    term = term_of(kind, settings, tmp_path)
    (tmp_path / "guesses.parquet").unlink(missing_ok=True)
    part = part_of(term, weight=0)
    objective = objective_with_parts({"it": part}, PLAIN)
    assert objective.notes == () and part.files(None) == () == part.files(0)
    recipe: Any = SimpleNamespace(objective={"it": part}, external=(), external_data=False)
    nobody: Any = None
    assert contents(recipe, 0) == [] and external_of(recipe, nobody, None, 0) == ()
    assert part.model_copy(update={"weight": 1.0}).files(0) == term.files(0)


@every_term
def test_the_same_step_gives_the_same_loss(kind, settings, tmp_path):
    one, two = (objective_with(kind, settings, tmp_path)(step_of()) for _ in range(2))
    assert torch.equal(one.total, two.total) and torch.equal(one.parts, two.parts)
    assert one.signs == two.signs
    for told in one.signs.values():
        assert all(value.shape == () and bool(value.isfinite()) and not value.requires_grad for value in told.values())


@every_term
def test_who_learns_from_more_than_labels_tells_how_it_goes_and_what_is_wrong(kind, settings, tmp_path):
    """Guesses collapse without a word from the loss; so there are numbers in the log, and somebody who judges them."""
    if kind == "supervised" and not settings:
        return
    objective = objective_with(kind, settings, tmp_path)
    signs = {name: float(value) for name, value in objective(step_of()).signs["it"].items()}
    assert signs and type(one_term(objective)).fault is not TermModule.fault
    assert isinstance(one_term(objective).fault(signs), Fault | None)


@every_term
def test_it_leaves_the_student_as_it_trains(kind, settings, tmp_path):
    """What another part loses, its dropout among it, and the modes of all layers."""
    term = term_of(kind, settings, tmp_path)
    losses = []
    for parts in ({"labels": Part(streams=("noisy",))}, {"labels": Part(streams=("noisy",)), "it": part_of(term)}):
        objective = objective_with_parts(parts).train()
        torch.manual_seed(3)
        losses.append(objective(step_of()))
        assert all(module.training for module in objective.network.modules())
        assert all(layer.track_running_stats for layer in batch_norms(objective.network))
    assert torch.equal(losses[0].parts[0], losses[1].parts[0])


def forwards_of(kind: str, settings: dict[str, Any]) -> int:
    """How often the student itself hears clips in training: once with everybody else, and once for each more that the
    term wants learnt. Guesses, teachers and adversaries are no such forwards."""
    if kind == "consistency" and settings.get("branches", "both") == "both":
        return 2  # the other view
    if kind == "mixmatch":
        return 2 if settings.get("at_once", True) else 2 + settings["n_views"]  # mixtures, and then those of the labels
    return 1


HEARD_UNMIXED = ("consistency", "mean_teacher", "mixmatch")
"""Where the view mixes clips, the student hears them by themselves as well, and learns from that."""


@pytest.mark.parametrize(
    ("kind", "settings", "mixing"),
    [
        pytest.param(*case, mixing, id=f"{case[0]}-{i}-{'mixed' if mixing else 'plain'}")
        for i, case in enumerate(cases())
        for mixing in ((False,) if case[0] in HEARD_UNMIXED else (False, True))
    ],
)
def test_it_moves_batch_statistics_only_by_forwards_that_learn(kind, settings, mixing, tmp_path):
    steps = (Mixup(p=1),) if mixing else ()
    states = []
    for names in (("labels",), ("labels", "it")):
        parts = {"labels": Part(streams=("noisy",)), "it": part_of(term_of(kind, settings, tmp_path))}
        objective = objective_with_parts({name: parts[name] for name in names}, PLAIN, *steps).train()
        objective(step_of()).total.backward()
        objective.after_step(PLACE)
        states.append([layer.state_dict() for layer in batch_norms(objective.network)])
    n = forwards_of(kind, settings)
    assert states[0] and all(int(layer["num_batches_tracked"]) == 1 for layer in states[0])
    assert [int(layer["num_batches_tracked"]) for layer in states[1]] == [n] * len(states[1])
    if n == 1:
        assert all(same_tensors(*pair) for pair in zip(*states, strict=True))


@every_term
def test_it_works_in_half_precision(kind, settings, tmp_path):
    """A guess before the student's own forward must not leave weights behind that were cast without a graph."""
    reached: list[dict[str, torch.Tensor]] = []
    totals = []
    for half in (False, True):
        objective = objective_with(kind, settings, tmp_path)
        with torch.autocast("cpu", torch.bfloat16) if half else nullcontext():
            losses = objective(step_of())
        losses.total.backward()
        totals.append(float(losses.total.detach()))
        assert losses.total.dtype == torch.float32 and bool(losses.total.isfinite())
        reached.append({n: p.grad for n, p in objective.named_parameters() if p.grad is not None})
        objective.after_step(PLACE)
        assert all(bool(value.isfinite().all()) for value in objective.state_dict().values())
    assert reached[0].keys() == reached[1].keys()
    one, two = (torch.cat([reached[i][name].flatten() for name in reached[0]]) for i in range(2))
    assert bool(two.isfinite().all())
    assert totals[1] == pytest.approx(totals[0], rel=0.2, abs=0.02)
    if kind != "fixmatch":  # whose guesses may be just above a threshold or just below it
        assert float(torch.nn.functional.cosine_similarity(one, two, dim=0)) > 0.7


@every_term
def test_it_never_asks_the_device(kind, settings, tmp_path, monkeypatch):
    """On the meta device there are shapes and no values: whoever asks for one fails."""
    objective = objective_with(kind, settings, tmp_path).to("meta")
    monkeypatch.setattr(torch, "autocast", lambda *_, **__: nullcontext())  # it knows no meta device
    step = step_of()
    made = {name: batch.to(torch.device("meta")) for name, batch in step.batches.items()}
    losses = objective(Step(made, step.chance, step.epoch))
    losses.total.backward()
    objective.after_step(PLACE)
    assert losses.total.device.type == "meta"


@every_term
def test_it_names_the_heads_it_asks_for(kind, settings, tmp_path):
    heads = term_of(kind, settings, tmp_path).heads
    assert isinstance(heads, tuple) and all(isinstance(head, str) for head in heads)


@every_term
def test_its_settings_survive_being_written(kind, settings, tmp_path):
    term = term_of(kind, settings, tmp_path)
    assert type(term).model_validate(term.model_dump(mode="json")) == term


def test_the_supervised_term_ignores_the_labels_that_are_not_known():
    objective = objective_of({"it": Part()}, PLAIN).eval()
    batch: Batch = stream_of().batch(0)
    known = torch.zeros_like(batch.known)
    known[1, 2] = True
    look = Look(objective.view, objective.network, {"curated": batch.changed(known=known)}, Chance(0), 1.0)
    lost = one_term(objective)(look, ("curated",)).detach()
    assert bool((lost[[0, 2, 3]] == 0).all()) and float(lost[1]) > 0
