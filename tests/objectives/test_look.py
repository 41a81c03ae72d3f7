"""Views that leave mixing or everything out, targets that are put in before the view, and forwards apart."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from earmark.core.batch import Batch
from earmark.core.chance import Chance
from earmark.core.spec import Spec
from earmark.models.dropout import drawn_by
from earmark.models.statistics import batch_norms
from earmark.objectives.apart import as_in_use, guess
from earmark.objectives.look import Look
from earmark.signal.augment.gain import Gain
from earmark.signal.augment.mixing.mixup import Mixup
from earmark.signal.augment.mixing.partners import Partner
from earmark.signal.augment.mixing.shares.fixed import Fixed
from earmark.signal.view import build_view
from tests.tiny import MODEL, PLAIN, RATE_HZ, VIEW, stream_of, view_and_network

HALVES = Mixup(p=1, share=Fixed(share=0.5), labels="linear")


def look_of(*steps: object, model: object = PLAIN) -> Look:
    view = build_view((*steps, *VIEW), Spec("wave", RATE_HZ))  # type: ignore[arg-type]
    return Look(view, view_and_network(model)[1].train(), {"a": stream_of().batch(0)}, Chance(0), 0.0)  # type: ignore[arg-type]


def test_an_unmixed_view_has_the_other_augmentations_as_drawn():
    mixed, plain = look_of(Gain(p=1), HALVES), look_of(Gain(p=1))
    unmixed = mixed.seen(("a",), how="unmixed")
    assert torch.equal(unmixed.values, plain.seen(("a",)).values)
    assert torch.equal(unmixed.targets, mixed.batches["a"].targets)
    assert not torch.equal(unmixed.values, mixed.seen(("a",)).values)
    clean = mixed.seen(("a",), how="clean")
    assert torch.equal(clean.values, mixed.view(mixed.batches["a"]).values)
    assert not torch.equal(clean.values, unmixed.values)


def test_where_nothing_is_mixed_the_whole_view_serves():
    look = look_of(Gain(p=1))
    assert look.seen(("a",), how="unmixed") is look.seen(("a",))
    assert torch.equal(look.said(("a",)), look.logits(("a",)).sigmoid())


def test_targets_of_a_term_are_mixed_like_labels():
    look = look_of(HALVES)

    def relabel(stream: str, batch: Batch) -> Batch:
        assert stream == "a"
        return batch.changed(targets=torch.arange(12.0).view(4, 3) / 12)

    seen, logits = look.relabelled(("a",), relabel)
    plain = look.seen(("a",))
    assert torch.equal(seen.values, plain.values) and torch.equal(logits, look.logits(("a",)))
    partner = 2 * plain.targets - look.batches["a"].targets  # whose labels are mixed into each clip
    own = torch.arange(12.0).view(4, 3) / 12
    mates = 2 * seen.targets - own
    for row in range(4):
        found = int((own - mates[row]).abs().sum(dim=1).argmin())
        torch.testing.assert_close(mates[row], own[found])
        assert torch.equal(look.batches["a"].targets[found], partner[row])


def test_the_network_is_asked_once_unless_partners_are_chosen_by_labels():
    for choice, n in (("ring", 1), ("class_balanced", 2)):
        look = look_of(HALVES.model_copy(update={"partner": Partner(choice=choice)}))
        calls: list[int] = []
        look.network.encoder.register_forward_hook(lambda *_, calls=calls: calls.append(1))
        look.logits(("a",))
        look.relabelled(("a",), lambda _, batch: batch)
        assert len(calls) == n, choice


def test_what_the_student_says_of_clips_themselves_leaves_no_trace():
    look = look_of(HALVES, model=MODEL)
    statistics = [layer.running_mean.clone() for layer in batch_norms(look.network)]
    torch.manual_seed(1)
    said = look.said(("a",))
    after = torch.rand(3)
    torch.manual_seed(1)
    assert torch.equal(after, torch.rand(3)) and not said.requires_grad
    assert all(torch.equal(one, layer.running_mean) for one, layer in zip(statistics, batch_norms(look.network)))  # noqa: B905
    assert torch.equal(said, look.said(("a",)))


def test_as_in_use_gives_the_modes_back():
    network = look_of(model=MODEL).network
    network.encoder.eval()
    with pytest.raises(KeyError), as_in_use(network):
        assert not any(module.training for module in network.modules())
        raise KeyError
    assert network.heads.training and not network.encoder.training


def test_a_guess_in_half_precision_leaves_no_weights_without_a_graph():
    """Autocast keeps its casts for the whole region; those made without a graph would cut later forwards off."""
    look = look_of()
    with torch.autocast("cpu", torch.bfloat16):
        guess(look.network, look.seen(("a",)), Chance(0))
        look.logits(("a",)).sum().backward()
    reached = [name for name, p in look.network.named_parameters() if p.grad is None]
    assert not reached


def test_dropout_of_a_forward_apart_is_its_own_each_time():
    look = look_of(model=MODEL)
    seen = look.seen(("a",))

    def said(seed: int) -> Tensor:
        torch.manual_seed(seed)
        return guess(look.network, seen, Chance(5), use=False)

    assert torch.equal(said(1), said(2))
    with drawn_by(Chance(6), torch.device("cpu")):
        other = look.network(seen)
    assert not torch.equal(other, said(1))


def test_running_statistics_follow_the_streams_that_are_named():
    view = build_view(VIEW, Spec("wave", RATE_HZ))
    network = view_and_network(PLAIN)[1].train()
    batches = {"a": stream_of().batch(0), "b": stream_of().batch(1)}
    look = Look(view, network, batches, Chance(0), 0.0, statistics_from=("a",))
    assert batch_norms(network)

    def means() -> list[Tensor]:
        return [layer.running_mean.clone() for layer in batch_norms(network) if layer.running_mean is not None]

    before = means()
    said = look.logits(("b",))
    assert all(torch.equal(*pair) for pair in zip(means(), before, strict=True))
    look.logits(("a",))
    assert not any(torch.equal(*pair) for pair in zip(means(), before, strict=True))
    free = Look(view, network, batches, Chance(0), 0.0)
    assert torch.equal(free.logits(("b",)), said)  # in training it is the batch that normalises, either way
