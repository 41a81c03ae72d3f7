"""Binary cross-entropy against a double loop and that of torch."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional as F

from earmark.losses.bce import BCE
from tests.losses.rows import assert_mean, graded, rows, sigmoid, slopes


@pytest.mark.parametrize("double_sigmoid", [False, True])
@pytest.mark.parametrize(("smoothing", "positive_weight"), [(0.0, 1.0), (0.2, 1.0), (0.0, 4.0), (0.1, 0.5)])
def test_it_is_the_double_loop(smoothing, positive_weight, double_sigmoid):
    def wanted(z: float, y: float) -> float:
        y, p = y * (1 - smoothing) + 0.5 * smoothing, sigmoid(sigmoid(z) if double_sigmoid else z)
        return -(positive_weight * y * math.log(p) + (1 - y) * math.log(1 - p))

    loss = BCE(smoothing=smoothing, positive_weight=positive_weight, double_sigmoid=double_sigmoid)
    assert_mean(loss, wanted, graded())


def test_it_averages_to_that_of_torch_where_all_is_known():
    logits, targets, known = rows()
    lost = BCE()(logits, targets, torch.ones_like(known))
    torch.testing.assert_close(lost.mean(), F.binary_cross_entropy_with_logits(logits, targets))


def test_two_sigmoids_leave_a_faint_gradient():
    made = rows()
    assert float(slopes(BCE(double_sigmoid=True), made).abs().max()) <= 0.25 * sigmoid(1)
    assert float(slopes(BCE(), made).abs().max()) > 0.25 * sigmoid(1)
