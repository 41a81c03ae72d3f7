"""ArcFace against its own words, angle by angle, and binary cross-entropy as its case without a margin."""

from __future__ import annotations

import math

import pytest
import torch

from earmark.losses.arcface import ArcFace
from earmark.losses.bce import BCE
from tests.losses.rows import assert_mean, graded, rows, slopes


@pytest.mark.parametrize(("scale", "margin"), [(30.0, 0.5), (9.0, 0.3), (9.0, 1.2)])
def test_it_is_the_loop_over_angles(scale, margin):
    def wanted(z: float, y: float) -> float:
        angle = math.acos(max(-1.0, min(1.0, z / scale)))
        if angle + margin < math.pi:
            there = scale * math.cos(angle + margin)
        else:
            there = scale * (math.cos(angle) - margin * math.sin(margin))
        return y * math.log1p(math.exp(-there)) + (1 - y) * math.log1p(math.exp(z))

    assert_mean(ArcFace(scale=scale, margin=margin), wanted, graded())


def test_without_a_margin_it_is_binary_cross_entropy():
    made = rows(scale=2.0)
    torch.testing.assert_close(ArcFace(margin=0)(*made), BCE()(*made))
    torch.testing.assert_close(slopes(ArcFace(margin=0), made), slopes(BCE(), made))


def test_the_margin_asks_more_of_labels_that_are_there_and_nothing_of_others():
    logits, targets, known = rows(scale=2.0)
    there = (targets > 0) & known
    assert there.any() and (known & ~there).any()
    more, plain = (loss(logits, targets, there) for loss in (ArcFace(), BCE()))
    assert bool((more > 2 * plain)[there.any(dim=1)].all())
    torch.testing.assert_close(ArcFace()(logits, targets, known & ~there), BCE()(logits, targets, known & ~there))


def test_on_the_class_itself_and_opposite_to_it_the_gradient_is_finite():
    logits = torch.tensor([[30.0, -30.0, 29.999, 0.0]])
    slope = slopes(ArcFace(), (logits, torch.ones(1, 4), torch.ones(1, 4, dtype=torch.bool)))
    assert bool(slope.isfinite().all()) and float(slope.abs().max()) < 1e4
