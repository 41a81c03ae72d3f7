"""LSEP against the sum over all pairs, in both forms, and what only order can tell."""

from __future__ import annotations

import math

import pytest
import torch

from earmark.core.errors import SettingsError
from earmark.losses.lsep import LSEP
from tests.losses.rows import Row, assert_by_clip, graded, rows, slopes


def over_pairs(row: Row) -> float:
    return math.log(1 + sum(math.exp(b - a) for a, ya in row for b, yb in row if yb < ya))


@pytest.mark.parametrize("seed", range(4))
def test_graded_it_is_the_double_loop(seed):
    assert_by_clip(LSEP(), over_pairs, graded(seed))
    assert_by_clip(LSEP(), over_pairs, rows(seed))


@pytest.mark.parametrize("seed", range(4))
def test_factorised_it_is_the_double_loop(seed):
    assert_by_clip(LSEP(form="factorised"), over_pairs, rows(seed))


@pytest.mark.parametrize("scale", [0.1, 3.0, 300.0])
def test_both_forms_have_the_same_gradient_for_hard_targets(scale):
    made = rows(scale=scale)
    torch.testing.assert_close(slopes(LSEP(), made), slopes(LSEP(form="factorised"), made), rtol=1e-4, atol=1e-6)


def test_the_gradient_of_graded_targets_is_that_of_the_sum_over_all_pairs():
    logits, targets, known = (tensor[3:] for tensor in graded(1))
    s = logits.double().requires_grad_()
    pairs = (targets[:, None, :] < targets[:, :, None]) & known[:, None, :] & known[:, :, None]
    lost = ((s[:, None, :] - s[:, :, None]).exp() * pairs).sum(dim=(1, 2)).log1p()
    (wanted,) = torch.autograd.grad(lost.sum(), s)
    torch.testing.assert_close(slopes(LSEP(), (logits, targets, known)), wanted.float(), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("form", ["graded", "factorised"])
def test_only_differences_count_and_a_far_gap_is_its_own_length(form):
    logits, targets, known = rows()
    torch.testing.assert_close(LSEP(form=form)(logits + 7, targets, known), LSEP(form=form)(logits, targets, known))
    far = torch.tensor([[-5000.0, 5000.0]])
    one = (far, torch.tensor([[1.0, 0.0]]), torch.tensor([[True, True]]))
    assert float(LSEP(form=form)(*one)) == 10000
    torch.testing.assert_close(slopes(LSEP(form=form), one), torch.tensor([[-1.0, 1.0]]))


@pytest.mark.parametrize("form", ["graded", "factorised"])
def test_clips_without_labels_or_with_all_of_them_lose_nothing(form):
    made = rows()
    assert LSEP(form=form)(*made)[:3].tolist() == [0, 0, 0]
    assert not slopes(LSEP(form=form), made)[:3].any()


def test_graded_targets_count_by_their_order_alone():
    logits, targets, known = graded()
    assert torch.equal(LSEP()(logits, targets, known), LSEP()(logits, targets.square() / 2 + 0.1, known))


def test_the_factorised_form_refuses_shares():
    assert LSEP().takes_soft and not LSEP(form="factorised").takes_soft
    with pytest.raises(SettingsError, match=r"soft ones came.*use `form: graded`"):
        LSEP(form="factorised")(*graded())
