"""Hinge loss against a double loop and that of torch."""

from __future__ import annotations

import pytest
import torch

from earmark.core.errors import SettingsError
from earmark.losses.hinge import Hinge
from tests.losses.rows import C, N, Row, assert_by_clip, graded, rows, slopes


def over_pairs(row: Row, threshold: float = 0.5) -> float:
    present, absent = [z for z, y in row if y > threshold], [z for z, y in row if y <= threshold]
    return sum(max(0.0, 1 - (a - b)) for a in present for b in absent) / len(row)


def test_it_is_the_double_loop():
    assert_by_clip(Hinge(), over_pairs, rows())


@pytest.mark.parametrize("threshold", [0.0, 0.4, 0.5])
def test_above_a_threshold_soft_targets_are_labels(threshold):
    assert_by_clip(Hinge(threshold=threshold), lambda row: over_pairs(row, threshold), graded())


@pytest.mark.parametrize("seed", range(3))
def test_it_is_that_of_torch_where_all_is_known(seed):
    logits, targets, known = rows(seed, scale=1.0)
    indices = torch.full((N, C), -1)
    for i in range(N):
        found = targets[i].nonzero()[:, 0]
        indices[i, : len(found)] = found
    theirs = logits.clone().requires_grad_()
    lost = torch.nn.MultiLabelMarginLoss(reduction="none")(theirs, indices)
    made = (logits, targets, torch.ones_like(known))
    torch.testing.assert_close(Hinge()(*made), lost.detach())
    torch.testing.assert_close(slopes(Hinge(), made), torch.autograd.grad(lost.sum(), theirs)[0])


def test_soft_targets_need_a_threshold():
    assert not Hinge().takes_soft and Hinge(threshold=0).takes_soft
    with pytest.raises(SettingsError, match=r"soft ones came.*give it a `threshold`"):
        Hinge()(*graded())
    logits, targets, known = graded()
    Hinge()(logits, targets.where(known & (targets == 1), 0), known)  # what is not known may be anything
