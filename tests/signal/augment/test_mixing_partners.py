"""Partners: who can be whose, and how often."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from earmark.core.batch import Batch, together
from earmark.core.errors import SettingsError
from earmark.core.settings import read
from earmark.signal.augment.mixing.partners import Partner
from tests.signal.augment.mixtures import clips

CHOICES = ("ring", "uniform", "class_balanced")


def with_guests(n_own: int = 3, *n_guests: int) -> Batch:
    """Own clips, then guests of streams noisy, more."""
    guests = [clips((2,) * n, seed=i + 1) for i, n in enumerate(n_guests)]
    told = tuple(zip(("noisy", "more"), n_guests, strict=False))
    return together([clips((2,) * n_own), *guests]).changed(guests=told)


def chosen(partner: Partner, batch: Batch, n: int = 1) -> Tensor:
    """Partners of all clips in ``n`` draws, [draws, batch]."""
    chance = torch.Generator().manual_seed(0)
    return torch.stack([partner.rows(batch, partner.draw(batch, chance)) for _ in range(n)])


@pytest.mark.parametrize("choice", CHOICES)
def test_a_partner_is_another_clip_of_the_batch_and_anyone_may_be(choice):
    batch = with_guests(5)
    batch = batch.changed(targets=torch.ones(5, 5), known=torch.ones(5, 5, dtype=torch.bool))
    rows = chosen(Partner(choice=choice), batch, 400)
    assert not bool((rows == torch.arange(5)).any())
    for clip in range(5):
        often = torch.bincount(rows[:, clip], minlength=5) / 400
        assert often[clip] == 0
        assert often[torch.arange(5) != clip].tolist() == pytest.approx([0.25] * 4, abs=0.08)


def test_in_a_ring_nobody_is_partner_of_two():
    assert all(sorted(rows.tolist()) == [0, 1, 2, 3, 4] for rows in chosen(Partner(), with_guests(5), 20))


@pytest.mark.parametrize("choice", CHOICES)
@pytest.mark.parametrize("stream", [None, "noisy", "absent"])
def test_a_clip_that_is_alone_is_its_own_partner(choice, stream):
    partner = Partner(choice=choice, stream=stream)
    assert chosen(partner, with_guests(1), 5).tolist() == [[0]] * 5


@pytest.mark.parametrize("choice", CHOICES)
def test_partners_of_another_stream_are_its_guests_and_guests_stay_themselves(choice):
    batch = with_guests(4, 3, 2)
    for stream, allowed in (("noisy", {4, 5, 6}), ("more", {7, 8}), (None, {0, 1, 2, 3}), ("absent", {0, 1, 2, 3})):
        rows = chosen(Partner(choice=choice, stream=stream), batch, 60)
        assert set(rows[:, :4].flatten().tolist()) == allowed
        assert torch.equal(rows[:, 4:], torch.arange(4, 9).expand(60, 5))


def test_in_a_ring_of_guests_each_comes_as_often_give_or_take_one():
    for n_own, n_guests in ((7, 3), (3, 7), (4, 4)):
        for rows in chosen(Partner(stream="noisy"), with_guests(n_own, n_guests), 10):
            often = torch.bincount(rows[:n_own] - n_own, minlength=n_guests)
            assert int(often.max() - often.min()) <= 1


def labelled(batch: Batch, targets: list[list[float]]) -> Batch:
    n = len(batch)
    return replace(batch, targets=torch.tensor(targets), known=torch.ones(n, len(targets[0]), dtype=torch.bool))


RARE = [[1.0, 0.0, 0.0]] * 6 + [[0.0, 1.0, 0.0]] * 2 + [[0.0, 0.0, 1.0]]


def test_each_class_of_the_pool_is_as_likely():
    batch = labelled(with_guests(9), RARE)
    rows = chosen(Partner(choice="class_balanced"), batch, 3000)
    classes = batch.targets.argmax(dim=1)[rows[:, 0]]
    assert (torch.bincount(classes) / 3000).tolist() == pytest.approx([1 / 3] * 3, abs=0.03)
    within = torch.bincount(rows[:, 0][classes == 0], minlength=6)[1:6] / (classes == 0).sum()
    assert within.tolist() == pytest.approx([0.2] * 5, abs=0.04)
    # The only clip of its class cannot be its own partner: for it there are but two classes.
    last = torch.bincount(batch.targets.argmax(dim=1)[rows[:, 8]], minlength=3) / 3000
    assert last.tolist() == pytest.approx([0.5, 0.5, 0.0], abs=0.03)


def test_a_clip_of_two_classes_is_chosen_for_either():
    batch = labelled(with_guests(1, 3), [[0.0, 0.0, 0.0], [1.0, 1.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    rows = chosen(Partner(choice="class_balanced", stream="noisy"), batch, 3000)[:, 0]
    often = torch.bincount(rows, minlength=4) / 3000
    assert often.tolist() == pytest.approx([0, 1 / 3 + 1 / 6, 1 / 6, 1 / 3], abs=0.03)


def test_what_is_not_known_or_nowhere_is_no_class():
    batch = labelled(with_guests(1, 3), [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
    known = batch.known.clone()
    known[2, 1] = False
    partner = Partner(choice="class_balanced", stream="noisy")
    assert chosen(partner, batch.changed(known=known), 30)[:, 0].unique().tolist() == [1]
    nothing = batch.changed(known=torch.zeros_like(known))
    assert chosen(partner, nothing, 60)[:, 0].unique().tolist() == [1, 2, 3]


def test_some_rows_of_a_draw_name_the_same_partners():
    batch = with_guests(5, 3)
    for choice in CHOICES:
        partner = Partner(choice=choice, stream="noisy")
        draw = partner.draw(batch, torch.Generator().manual_seed(3))
        rows = torch.tensor([0, 2, 4])
        assert torch.equal(partner.rows(batch, draw[rows]), partner.rows(batch, draw)[rows])


def test_the_stream_that_is_named_must_come_along():
    assert Partner(stream="noisy").guests == ("noisy",) and Partner().guests == ()
    with pytest.raises(SettingsError, match="choice: input should be 'ring'"):
        read(Partner, {"choice": "any"})
