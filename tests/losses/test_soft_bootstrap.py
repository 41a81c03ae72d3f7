"""Soft bootstrapping against a double loop, and what it amounts to."""

from __future__ import annotations

import math

import pytest
import torch

from earmark.losses.bce import BCE
from earmark.losses.soft_bootstrap import SoftBootstrap
from tests.losses.rows import assert_mean, graded, sigmoid, slopes


@pytest.mark.parametrize("fixed", [False, True])
@pytest.mark.parametrize("beta", [0.0, 0.7, 1.0])
def test_it_is_the_double_loop(beta, fixed):
    def wanted(z: float, y: float) -> float:
        p = sigmoid(z)
        target = beta * y + (1 - beta) * p
        return -target * math.log(p) - (1 - target) * math.log(1 - p)

    assert_mean(SoftBootstrap(beta=beta, fixed=fixed), wanted, graded())


def test_with_the_target_fixed_its_gradient_is_a_share_of_that_of_bce():
    made = graded()
    torch.testing.assert_close(slopes(SoftBootstrap(beta=0.7, fixed=True), made), 0.7 * slopes(BCE(), made))


def test_through_the_target_it_rewards_certain_answers():
    logits, known = torch.tensor([[3.0, -3.0]]), torch.ones(1, 2, dtype=torch.bool)
    slope = slopes(SoftBootstrap(beta=0.0), (logits, torch.tensor([[0.0, 1.0]]), known))
    assert float(slope[0, 0]) < 0 < float(slope[0, 1])  # each is driven on to where it already leans
