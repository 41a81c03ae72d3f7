"""Focal loss against a double loop, and binary cross-entropy as its case without focus."""

from __future__ import annotations

import math

import pytest
import torch

from earmark.losses.bce import BCE
from earmark.losses.focal import Focal
from tests.losses.rows import assert_mean, graded, sigmoid, slopes


@pytest.mark.parametrize(("gamma", "alpha"), [(2.0, None), (0.0, None), (0.5, 0.25), (5.0, 0.9)])
def test_it_is_the_double_loop(gamma, alpha):
    present, absent = (1, 1) if alpha is None else (alpha, 1 - alpha)

    def wanted(z: float, y: float) -> float:
        p = sigmoid(z)
        return -present * y * (1 - p) ** gamma * math.log(p) - absent * (1 - y) * p**gamma * math.log(1 - p)

    assert_mean(Focal(gamma=gamma, alpha=alpha), wanted, graded())


def test_without_focus_it_is_binary_cross_entropy():
    made = graded()
    torch.testing.assert_close(Focal(gamma=0)(*made), BCE()(*made))
    torch.testing.assert_close(slopes(Focal(gamma=0), made), slopes(BCE(), made))


def test_an_easy_answer_hardly_pulls_and_a_wrong_one_as_ever():
    logits, known = torch.tensor([[4.0, -4.0]]), torch.tensor([[True, True]])
    easy, hard = (
        slopes(Focal(), (logits, targets, known)) / slopes(BCE(), (logits, targets, known))
        for targets in (torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]]))
    )
    assert float(easy.max()) < 0.002 and float(hard.min()) > 0.9
