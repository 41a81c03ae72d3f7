"""Mixup: its own law instead of batch = members."""

from __future__ import annotations

import pytest
import torch

from earmark.core.batch import Batch
from earmark.signal.augment.mixing.mixing import MixingDraw
from earmark.signal.augment.mixing.mixup import Mixup, MixupNumbers
from earmark.signal.augment.mixing.partners import Partner
from earmark.signal.augment.mixing.shares.beta import Beta
from earmark.signal.augment.mixing.shares.fixed import Fixed
from tests.signal.augment.mixtures import clips, drawn, long_as, same_labels, same_signal, signal


def three() -> Batch:
    return Batch(
        values=torch.tensor([[1.0, 1.0, 1.0, 1.0], [2.0, 2.0, 0.0, 0.0], [-4.0, 0.0, 0.0, 0.0]]),
        lengths=torch.tensor([4, 2, 1]),
        targets=torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.5], [0.0, 0.0, 1.0]]),
        known=torch.tensor([[True, True, False], [True, True, True], [False, True, True]]),
        weights=torch.tensor([1.0, 0.5, 0.0]),
        origins=torch.tensor([0, 1, 1]),
        ids=("a", "b", "c"),
        rate_hz=10.0,
    )


def mixing(partner: list[int], share: list[float]) -> MixingDraw:
    return drawn(partner, MixupNumbers(torch.tensor(share)))


DRAW = mixing([1, 2, 2], [0.75, 0.5, 1.0])


@pytest.mark.parametrize("labels", ["linear", "union"])
def test_sound_lengths_and_weights_are_mixed(labels):
    out = Mixup(labels=labels).apply(three(), DRAW)
    assert out.values.tolist() == [[1.25, 1.25, 0.75, 0.75], [-1.0, 1.0, 0.0, 0.0], [-4.0, 0.0, 0.0, 0.0]]
    assert out.lengths.tolist() == [4, 2, 1]
    assert out.weights.tolist() == [0.875, 0.25, 0.0]
    assert out.origins.tolist() == [0, 1, 1] and out.ids == ("a", "b", "c")


def test_a_short_clip_becomes_as_long_as_its_partner():
    out = Mixup().apply(three(), mixing([0, 0, 1], [1.0, 0.5, 0.5]))
    assert out.lengths.tolist() == [4, 4, 2]


def test_linear_targets_are_known_where_both_are():
    out = Mixup().apply(three(), DRAW)
    assert out.known.tolist() == [[True, True, False], [False, True, True], [False, True, True]]
    assert out.targets[out.known].tolist() == [0.75, 0.25, 0.5, 0.75, 0.0, 1.0]


def test_in_a_union_what_one_clip_surely_has_is_known():
    batch = three()
    batch = batch.changed(known=torch.tensor([[True, True, False], [False, False, True], [False, True, True]]))
    out = Mixup(labels="union").apply(batch, mixing([1, 2, 0], [0.5, 0.5, 0.5]))
    # a + b: class 0 surely from a; class 1 unknown in b (whatever its target says); class 2 only maybe, from b.
    # b + c: class 2 surely from c.  c + a: class 0 from a; class 1 absent from both; class 2 from c.
    assert out.known.tolist() == [[True, False, False], [False, False, True], [True, True, True]]
    assert out.targets[out.known].tolist() == [1.0, 1.0, 1.0, 0.0, 1.0]


def test_mixing_with_share_s_and_back_with_1_minus_s_is_the_same_sound():
    values = torch.rand(2, 1, 3, 5, generator=torch.Generator().manual_seed(0))
    batch = three().changed(
        values=values, lengths=torch.tensor([5, 5]), ids=("a", "b"),
        **{part: getattr(three(), part)[:2] for part in ("targets", "known", "weights", "origins")},
    )  # fmt: skip
    out = Mixup().apply(batch, mixing([1, 0], [0.3, 0.7]))
    torch.testing.assert_close(out.values[0], out.values[1])
    torch.testing.assert_close(out.values[0], 0.3 * values[0] + 0.7 * values[1])


def test_everybody_has_another_partner_and_p_says_how_many_are_mixed():
    batch = three()
    for seed in range(20):
        hit, partner, (share,) = Mixup(p=1).draw(batch, torch.Generator().manual_seed(seed))
        assert bool(hit.all()) and sorted(partner.tolist()) == [0, 1, 2]
        assert not bool((partner == torch.arange(3)).any())
        assert bool(((share >= 0) & (share <= 1)).all())
    draws = [Mixup(p=0.3).draw(batch, torch.Generator().manual_seed(seed)) for seed in range(1000)]
    assert float(torch.stack([draw.hit for draw in draws]).float().mean()) == pytest.approx(0.3, abs=0.03)


def test_clips_that_are_not_hit_stay_as_they_are():
    batch = three()
    out = Mixup().apply(batch, drawn([1, 2, 0], MixupNumbers(torch.full((3,), 0.5)), hit=[False, True, False]))
    for row in (0, 2):
        assert torch.equal(out.values[row], batch.values[row]) and torch.equal(out.targets[row], batch.targets[row])
    assert out.values[1].tolist() == [-1.0, 1.0, 0.0, 0.0]


@pytest.mark.parametrize("domain", ["wave", "power", "magnitude", "features"])
@pytest.mark.parametrize("labels", ["linear", "union"])
def test_it_is_the_weighted_sum_of_two_clips_in_every_domain(domain, labels):
    batch, partner, shares = clips((9, 4, 1, 7), domain), [1, 2, 0, 1], [0.2, 0.75, 0.5, 0.9]
    out = Mixup(labels=labels).apply(batch, mixing(partner, shares))
    for row, (other, share) in enumerate(zip(partner, shares, strict=True)):
        one, two = signal(batch, row), signal(batch, other)
        n = max(one.shape[-1], two.shape[-1])
        same_signal(out, row, share * long_as(one, n) + (1 - share) * long_as(two, n))
        same_labels(out, row, batch, other, labels, share)


def test_what_has_no_share_has_no_say():
    batch = clips((5, 5, 5))
    for labels in ("linear", "union"):
        out = Mixup(labels=labels).apply(batch, mixing([1, 2, 0], [1.0, 0.0, 0.5]))
        assert torch.equal(out.known[0], batch.known[0]) and torch.equal(out.known[1], batch.known[2])
        for row, source in ((0, 0), (1, 2)):
            known = out.known[row]
            assert torch.equal(out.targets[row][known], batch.targets[source][known])


def test_the_share_is_drawn_as_told():
    batch = three()
    (share,) = Mixup(share=Fixed(share=0.7)).draw(batch, torch.Generator()).numbers
    assert share.tolist() == pytest.approx([0.7] * 3)
    (share,) = Mixup(share=Beta(alpha=0.4, larger=True)).draw(clips((1,) * 999), torch.Generator()).numbers
    assert float(share.min()) >= 0.5
    assert Mixup.model_validate({"share": {"kind": "fixed", "share": 0.7}}) == Mixup(share=Fixed(share=0.7))


@pytest.mark.parametrize("p", [0.6, 1.0])
@pytest.mark.parametrize("choice", ["ring", "class_balanced"])
def test_mixing_a_few_clips_at_a_time_is_mixing_all_at_once(p, choice):
    """With a gradient to record all are mixed at once; without, on a CPU, as many as its cache takes."""
    batch = clips((200_000, 150_000) * 4)
    step = Mixup(p=p, partner=Partner(choice=choice))
    draw = step.draw(batch, torch.Generator().manual_seed(1))
    few = step.apply(batch, draw)
    whole = step.apply(batch.changed(values=batch.values.clone().requires_grad_()), draw)
    assert whole.values.requires_grad and torch.equal(few.values, whole.values.detach())
    for part in ("lengths", "targets", "known", "weights"):
        assert torch.equal(getattr(few, part), getattr(whole, part))


def test_a_gradient_reaches_both_clips_by_their_shares():
    batch = clips((5, 5))
    values = batch.values.clone().requires_grad_()
    Mixup().apply(batch.changed(values=values), mixing([1, 1], [0.25, 1.0])).values[0].sum().backward()
    assert values.grad is not None and values.grad[:, 0].tolist() == [0.25, 0.75]
