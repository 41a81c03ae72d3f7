"""Binary cross-entropy against a double loop and that of torch."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional as F

from earmark.core.errors import SettingsError
from earmark.core.settings import read
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


def test_each_class_may_have_a_weight_of_its_own():
    weights = (0.5, 1.0, 2.0, 3.0, 0.1, 7.0)
    logits, targets, known = graded()
    lost = BCE(positive_weight=weights, smoothing=0.1)(logits, targets, known)
    for clip in range(len(lost)):
        row = []
        for j in [j for j in range(logits.shape[1]) if known[clip, j]]:
            y, p = 0.9 * float(targets[clip, j]) + 0.05, sigmoid(float(logits[clip, j]))
            row.append(-(weights[j] * y * math.log(p) + (1 - y) * math.log(1 - p)))
        assert float(lost[clip]) == pytest.approx(sum(row) / len(row) if row else 0.0, rel=1e-4, abs=1e-6)
    every = torch.ones_like(known)
    theirs = F.binary_cross_entropy_with_logits(logits, targets, pos_weight=torch.tensor(weights))
    torch.testing.assert_close(BCE(positive_weight=weights)(logits, targets, every).mean(), theirs)
    meta = [each.to("meta") for each in (logits, targets, known)]
    assert BCE(positive_weight=weights)(*meta).shape == lost.shape
    same = BCE(positive_weight=(4.0,) * 6), BCE(positive_weight=4)
    assert torch.equal(*(loss(logits, targets, known) for loss in same))


def test_weights_of_another_number_of_classes_are_refused():
    loss = BCE(positive_weight=(1.0, 2.0))
    loss.check(2)
    BCE(positive_weight=3.0).check(80)
    with pytest.raises(SettingsError, match="a positive_weight for 2 classes, but the data have 80; give one number"):
        loss.check(80)
    with pytest.raises(SettingsError, match="a positive_weight for 2 classes, but the data have 6"):
        loss(*rows())


@pytest.mark.parametrize("weight", [0, -1, [1, 0], []])
def test_weights_are_above_zero(weight):
    with pytest.raises(SettingsError, match="positive_weight"):
        read(BCE, {"positive_weight": weight})
    assert read(BCE, {"positive_weight": [1, 2]}).positive_weight == (1.0, 2.0)
