"""Virtual adversarial training against a plain reference, and the laws of its steps."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from earmark.core.batch import Batch
from earmark.core.chance import Chance
from earmark.models.statistics import batch_norms, statistics_held
from earmark.objectives.look import Look
from earmark.objectives.objective import Objective, Step
from earmark.objectives.terms.vat import VAT, VATModule
from tests.some_terms import batches, objective_for
from tests.tiny import MODEL, PLAIN, same_tensors


def look_of(objective: Objective, **changes: Tensor) -> Look:
    made = {name: batch.changed(**changes) for name, batch in batches().items()}
    return Look(objective.view, objective.network, made, Chance(0), 1.0)


def lost_by(term: VAT, model: object = PLAIN, **changes: Tensor) -> Tensor:
    objective = objective_for(term, model).train()  # type: ignore[arg-type]
    return objective.terms[0](look_of(objective, **changes), ("noisy",))


def reference(objective: Objective, look: Look, start: Tensor, xi: float, eps: float, n: int) -> Tensor:
    """The published code for one label a clip, with Bernoulli divergences in the place of softmaxes."""
    network, seen = objective.network, look.seen(("noisy",))

    def unit(d: Tensor) -> Tensor:
        return d / d.flatten(1).norm(dim=1).view(-1, 1, 1, 1)

    def divergence(logits: Tensor, p: Tensor) -> Tensor:
        q = logits.sigmoid()
        return (p * (p / q).log() + (1 - p) * ((1 - p) / (1 - q)).log()).mean(dim=1)

    def said(values: Tensor) -> Tensor:
        return network(seen.changed(values=values))

    with statistics_held(network):
        p = said(seen.values).sigmoid().detach()
        d = unit(start)
        for _ in range(n):
            d = d.detach().requires_grad_()
            divergence(said(seen.values + xi * d), p).sum().backward()
            d = unit(d.grad)
            network.zero_grad()
        return divergence(said(seen.values + eps * d.detach()), p)


@pytest.mark.parametrize("n", [0, 1, 2])
@pytest.mark.parametrize("start", ["normal", "uniform"])
def test_the_numbers_of_the_reference(n, start):
    term = VAT(scale="absolute", step=3.0, probe=5.0, n_iterations=n, start=start)
    objective = objective_for(term, PLAIN).train()
    look, module = look_of(objective), objective.terms[0]
    assert isinstance(module, VATModule)
    lost = module(look, ("noisy",))
    drawn = module._first(look.seen(("noisy",)), look.chance.at("vat", streams="noisy"))
    wanted = reference(objective, look, drawn, 5.0, 3.0, n)
    torch.testing.assert_close(lost, wanted, rtol=2e-3, atol=1e-7)


def test_the_direction_that_is_found_is_worse_than_a_drawn_one():
    drawn, found = (lost_by(VAT(n_iterations=n)).detach() for n in (0, 1))
    assert bool((found > 3 * drawn).all())
    assert bool((drawn >= 0).all())


def test_with_dropout_too_a_step_of_nothing_changes_nothing():
    assert float(lost_by(VAT(step=1e-7), MODEL).detach().abs().max()) < 1e-6


def test_cross_entropy_is_the_divergence_and_the_entropy_of_the_first_answer():
    kl, bce = (lost_by(VAT(divergence=name)) for name in ("kl", "bce"))
    objective = objective_for(VAT(), PLAIN).train()
    with statistics_held(objective.network):
        said = objective.network(look_of(objective).seen(("noisy",)))
    entropy = F.binary_cross_entropy_with_logits(said, said.sigmoid(), reduction="none").mean(dim=1)
    torch.testing.assert_close(bce - kl, entropy, rtol=1e-4, atol=1e-6)


def test_a_relative_step_is_as_large_as_the_values_are_spread():
    module = objective_for(VAT(), PLAIN).terms[0]
    seen = look_of(objective_for(VAT(), PLAIN)).seen(("noisy",))
    seen = seen.changed(lengths=seen.lengths - torch.tensor([0, 7, 20, 1]))
    for scale in (1.0, 1e-3, 40.0):
        reach = module._reach(seen.changed(values=seen.values * scale))
        for row, length in enumerate(seen.lengths.tolist()):
            values = seen.values[row, ..., :length].double() * scale
            wanted = values.std(correction=0) * values.numel() ** 0.5
            assert float(reach[row]) == pytest.approx(float(wanted), rel=1e-4)


def test_padding_stays_empty_and_each_clip_steps_by_its_own_length():
    objective = objective_for(VAT(step=0.5), PLAIN).train()
    heard: list[Batch] = []
    objective.network.register_forward_pre_hook(lambda _, arguments: heard.append(arguments[0]))
    lengths = torch.tensor([4000, 2000, 3000, 1000])
    values = torch.stack(
        [w * (torch.arange(4000) < n) for w, n in zip(batches()["noisy"].values, lengths, strict=True)]
    )
    look = look_of(objective, lengths=lengths, values=values)
    objective.terms[0](look, ("noisy",))
    seen, moved = look.seen(("noisy",)), heard[-1]
    step = moved.values - seen.values
    reach = objective.terms[0]._reach(seen).flatten()
    torch.testing.assert_close(step.flatten(1).norm(dim=1), 0.5 * reach, rtol=1e-4, atol=1e-5)
    for row, n in enumerate(seen.lengths.tolist()):
        assert not bool(step[row, ..., n:].any())


@pytest.mark.parametrize("n", [0, 1, 2])
def test_none_of_its_forwards_moves_running_statistics(n):
    objective = objective_for(VAT(n_iterations=n), MODEL).train()
    layers = batch_norms(objective.network)
    before = [{name: value.clone() for name, value in layer.state_dict().items()} for layer in layers]
    objective(Step(batches(), Chance(0), 1.0)).total.backward()
    assert layers and all(same_tensors(layer.state_dict(), old) for layer, old in zip(layers, before, strict=True))


def test_a_silent_clip_is_no_trouble():
    values = batches()["noisy"].values.clone()
    values[1] = 0
    lost = lost_by(VAT(), values=values)
    lost.sum().backward()
    assert bool(lost.isfinite().all())


def test_answers_that_are_the_same_for_all_clips_are_named_in_the_log():
    """Such answers cannot be changed, so the loss alone would look like success."""
    objective = objective_for(VAT(), PLAIN).train()
    plain = objective(Step(batches(), Chance(0), 1.0))
    look = look_of(objective)
    with torch.no_grad():
        said = look.network(look.seen(("noisy",))).sigmoid()
    assert float(plain.signs["it"]["labels"]) == pytest.approx(float(said.sum(dim=1).mean()), rel=1e-3)
    last = [module for module in objective.network.heads["main"].modules() if isinstance(module, torch.nn.Linear)][-1]
    with torch.no_grad():
        last.weight.zero_()
    losses = objective(Step(batches(), Chance(0), 1.0))
    assert float(losses.total.detach()) == pytest.approx(0, abs=1e-6)
    history = [{"epoch": 2, "signs": {"it": {name: float(value) for name, value in losses.signs["it"].items()}}}]
    assert objective.warnings(history)[0].startswith("part 'it' is in trouble: its guesses are the same for all clips")
