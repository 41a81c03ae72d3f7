"""The divergence of a softmax against a double loop and that of torch."""

from __future__ import annotations

import math

import pytest
import torch

from earmark.losses.softmax_kl import SoftmaxKL
from tests.losses.rows import C, N, Row, assert_by_clip, graded, slopes


@pytest.mark.parametrize("normalise", [False, True])
@pytest.mark.parametrize("reduction", ["sum", "mean"])
def test_it_is_the_double_loop(normalise, reduction):
    def wanted(row: Row) -> float:
        whole = sum(math.exp(z) for z, _ in row)
        scale = (sum(y for _, y in row) or 1.0) if normalise else 1.0
        terms = [y / scale * (math.log(y / scale) - math.log(math.exp(z) / whole)) for z, y in row if y]
        return sum(terms) / (len(row) if reduction == "mean" else 1)

    assert_by_clip(SoftmaxKL(normalise=normalise, reduction=reduction), wanted, graded())


def test_with_targets_as_they_are_and_the_mean_it_is_that_of_torch():
    logits, targets, known = graded()
    lost = SoftmaxKL(normalise=False, reduction="mean")(logits, targets, torch.ones_like(known))
    theirs = torch.nn.KLDivLoss(reduction="sum")(logits.log_softmax(dim=1), targets) / (N * C)
    torch.testing.assert_close(lost.mean(), theirs)


def test_normalised_it_is_never_negative_and_zero_at_the_targets():
    _, targets, known = graded()
    logits = targets.clamp(min=1e-30).log()
    lost = SoftmaxKL()(logits, targets, known)
    torch.testing.assert_close(lost, torch.zeros(N), rtol=0, atol=1e-6)
    made = graded(1)
    assert bool((SoftmaxKL()(*made) >= 0).all())
    torch.testing.assert_close(slopes(SoftmaxKL(), made).sum(dim=1), torch.zeros(N), rtol=0, atol=1e-6)
