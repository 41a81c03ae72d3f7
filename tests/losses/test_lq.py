"""Generalised cross-entropy against a double loop, and the losses that it lies between."""

from __future__ import annotations

import pytest
import torch

from earmark.losses.bce import BCE
from earmark.losses.lq import Lq
from tests.losses.rows import Row, assert_by_clip, assert_mean, graded, rows, sigmoid, slopes


@pytest.mark.parametrize("q", [0.1, 0.5, 1.0])
def test_it_is_the_double_loop(q):
    def wanted(z: float, y: float) -> float:
        p = sigmoid(z)
        return y * (1 - p**q) / q + (1 - y) * (1 - (1 - p) ** q) / q

    assert_mean(Lq(q=q), wanted, graded())


def test_it_lies_between_cross_entropy_and_absolute_error():
    logits, targets, known = made = graded()
    torch.testing.assert_close(Lq(q=1e-4)(*made), BCE()(*made), rtol=1e-2, atol=1e-3)
    error = ((logits.sigmoid() - targets).abs() * known).sum(dim=1) / known.sum(dim=1).clamp(min=1)
    torch.testing.assert_close(Lq(q=1)(*rows())[:3], error[:3])


def test_a_label_that_is_not_believed_pulls_less():
    made = (torch.tensor([[-6.0, 0.0]]), torch.ones(1, 2), torch.ones(1, 2, dtype=torch.bool))
    disbelieved, open_question = (slopes(Lq(), made) / slopes(BCE(), made))[0].tolist()
    assert disbelieved < 0.06 and open_question > 0.6


def test_over_labels_it_is_published_code_but_for_a_constant():
    logits, targets, known = rows()
    everything = torch.ones_like(known)
    theirs = logits.clone().requires_grad_()
    lost = ((1 - (theirs.sigmoid() * targets + 1e-7) ** 0.5) / 0.5).mean(dim=1)
    lost.sum().backward()
    assert theirs.grad is not None
    made = (logits, targets, everything)
    torch.testing.assert_close(slopes(Lq(over="labels"), made), theirs.grad, rtol=1e-3, atol=1e-6)
    constant = (1 - targets).mean(dim=1) * (1 - 1e-7**0.5) / 0.5
    torch.testing.assert_close(Lq(over="labels")(*made), lost.detach() - constant, rtol=1e-3, atol=1e-5)


def test_over_the_best_label_it_is_the_loop():
    def wanted(row: Row) -> float:
        best = max(sigmoid(z) * y for z, y in row)
        return (1 - best**0.5) / 0.5 if best else 0.0

    assert_by_clip(Lq(over="best"), wanted, graded())
    assert bool((slopes(Lq(over="best"), rows()) != 0).sum(dim=1).le(1).all())
