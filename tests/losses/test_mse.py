"""Mean squared error of probabilities against a double loop."""

from __future__ import annotations

import math

import torch

from earmark.losses.mse import MSE
from tests.losses.rows import Row, assert_by_clip, assert_mean, graded, sigmoid


def test_it_is_the_double_loop():
    assert_mean(MSE(), lambda z, y: (sigmoid(z) - y) ** 2, graded())


def test_of_a_softmax_it_is_the_double_loop():
    def wanted(row: Row) -> float:
        whole = sum(math.exp(z) for z, _ in row)
        return sum((math.exp(z) / whole - y) ** 2 for z, y in row) / len(row)

    assert_by_clip(MSE(activation="softmax"), wanted, graded())


def test_it_averages_to_that_of_torch_where_all_is_known():
    logits, targets, known = graded()
    lost = MSE()(logits, targets, torch.ones_like(known))
    torch.testing.assert_close(lost.mean(), torch.nn.MSELoss()(logits.sigmoid(), targets))
