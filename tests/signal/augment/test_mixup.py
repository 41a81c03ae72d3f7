"""Mixup: its own law instead of batch = members."""

from __future__ import annotations

import pytest
import torch

from earmark.core.batch import Batch
from earmark.signal.augment.mixing.mixup import Mixup, MixupDraw


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


DRAW = MixupDraw(torch.tensor([1, 2, 2]), torch.tensor([0.75, 0.5, 1.0]))


@pytest.mark.parametrize("labels", ["linear", "union"])
def test_sound_lengths_and_weights_are_mixed(labels):
    out = Mixup(labels=labels).apply(three(), DRAW)
    assert out.values.tolist() == [[1.25, 1.25, 0.75, 0.75], [-1.0, 1.0, 0.0, 0.0], [-4.0, 0.0, 0.0, 0.0]]
    assert out.lengths.tolist() == [4, 2, 1]
    assert out.weights.tolist() == [0.875, 0.25, 0.0]
    assert out.origins.tolist() == [0, 1, 1] and out.ids == ("a", "b", "c")


def test_a_short_clip_becomes_as_long_as_its_partner():
    out = Mixup().apply(three(), MixupDraw(torch.tensor([0, 0, 1]), torch.tensor([1.0, 0.5, 0.5])))
    assert out.lengths.tolist() == [4, 4, 2]


def test_linear_targets_are_known_where_both_are():
    out = Mixup().apply(three(), DRAW)
    assert out.known.tolist() == [[True, True, False], [False, True, True], [False, True, True]]
    assert out.targets[out.known].tolist() == [0.75, 0.25, 0.5, 0.75, 0.0, 1.0]


def test_in_a_union_what_one_clip_surely_has_is_known():
    batch = three()
    batch = batch.changed(known=torch.tensor([[True, True, False], [False, False, True], [False, True, True]]))
    out = Mixup(labels="union").apply(batch, MixupDraw(torch.tensor([1, 2, 0]), torch.tensor([0.5, 0.5, 0.5])))
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
    out = Mixup().apply(batch, MixupDraw(torch.tensor([1, 0]), torch.tensor([0.3, 0.7])))
    torch.testing.assert_close(out.values[0], out.values[1])
    torch.testing.assert_close(out.values[0], 0.3 * values[0] + 0.7 * values[1])


def test_everybody_has_another_partner_and_p_says_how_many_are_mixed():
    batch = three()
    for seed in range(20):
        partner, share = Mixup(p=1).draw(batch, torch.Generator().manual_seed(seed))
        assert sorted(partner.tolist()) == [0, 1, 2]
        assert not bool((partner == torch.arange(3)).any())
        assert bool(((share >= 0) & (share <= 1)).all())
    draws = [Mixup(p=0.3).draw(batch, torch.Generator().manual_seed(seed)) for seed in range(1000)]
    mixed = torch.stack([draw.partner for draw in draws]) != torch.arange(3)
    assert float(mixed.float().mean()) == pytest.approx(0.3, abs=0.03)
    assert bool((torch.stack([draw.share for draw in draws])[~mixed] == 1).all())
