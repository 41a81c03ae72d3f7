"""Asymmetric loss against a double loop, and focal loss as its symmetric case."""

from __future__ import annotations

import math

import pytest
import torch

from earmark.losses.asymmetric import Asymmetric
from earmark.losses.focal import Focal
from tests.losses.rows import assert_mean, graded, sigmoid, slopes


@pytest.mark.parametrize(
    ("gamma_pos", "gamma_neg", "clip"),
    [(0.0, 4.0, 0.05), (1.0, 4.0, 0.05), (0.0, 0.5, 0.2), (2.0, 0.0, 0.1), (1.0, 3.0, 0.0)],
)
def test_it_is_the_double_loop(gamma_pos, gamma_neg, clip):
    def wanted(z: float, y: float) -> float:
        p = sigmoid(z)
        shifted = max(p - clip, 0)
        present = (1 - p) ** gamma_pos * math.log(p)
        return -y * present - (1 - y) * shifted**gamma_neg * math.log(1 - shifted)

    assert_mean(Asymmetric(gamma_pos=gamma_pos, gamma_neg=gamma_neg, clip=clip), wanted, graded())


def test_with_one_focus_and_no_margin_it_is_focal_loss():
    made = graded()
    torch.testing.assert_close(Asymmetric(gamma_pos=2, gamma_neg=2, clip=0)(*made), Focal(gamma=2)(*made))


@pytest.mark.parametrize("gamma_neg", [0.0, 0.3, 1.0, 4.0])
def test_absent_labels_within_the_margin_have_no_gradient_at_all(gamma_neg):
    made = (torch.tensor([[-3.0, -50.0, -2.9, 0.0]]), torch.zeros(1, 4), torch.ones(1, 4, dtype=torch.bool))
    slope = slopes(Asymmetric(gamma_neg=gamma_neg, clip=0.05), made)
    assert (slope[0] != 0).tolist() == [False, False, True, True]
