"""What every loss must keep to; a new member is tested the moment it exists.

A member is tried with its defaults and with the settings listed in `VARIANTS`. A loss may refuse soft targets, in an
error of earmark's own that says so; all else holds for all of them.
"""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from earmark.core.errors import EarmarkError
from earmark.losses.bce import BCE
from earmark.losses.loss import Loss

VARIANTS: dict[str, list[dict[str, Any]]] = {"bce": [{"smoothing": 0.1, "positive_weight": 3.0}]}
CASES = [
    pytest.param(kind, settings, id=f"{kind}-{i}")
    for kind, member in Loss.members().items()
    for i, settings in enumerate([{}, *VARIANTS.get(kind, [])])
]
every_loss = pytest.mark.parametrize(("kind", "settings"), CASES)
N, C = 7, 6


def loss_of(kind: str, settings: dict[str, Any]) -> Loss:
    return Loss.members()[kind].model_validate(settings)


def rows(seed: int = 0, scale: float = 3.0) -> tuple[Tensor, Tensor, Tensor]:
    """Logits, targets and what is known; row 0 has no label, row 1 all of them, of row 2 nothing is known."""
    chance = torch.Generator().manual_seed(seed)
    logits = scale * torch.randn(N, C, generator=chance)
    targets = (torch.rand(N, C, generator=chance) < 0.4).float()
    known = torch.rand(N, C, generator=chance) < 0.7
    targets[0], targets[1] = 0, 1
    known[:2], known[2] = True, False
    return logits, targets, known


def gradient(loss: Loss, logits: Tensor, targets: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
    logits = logits.detach().clone().requires_grad_()
    lost = loss(logits, targets, known)
    lost.sum().backward()
    assert logits.grad is not None
    return lost.detach(), logits.grad


@every_loss
@pytest.mark.parametrize("autocast", [False, True])
def test_one_finite_number_and_gradient_a_clip_even_far_out(kind, settings, autocast):
    _, targets, known = rows()
    for seed in range(3):
        signs = torch.randint(0, 2, (N, C), generator=torch.Generator().manual_seed(seed)) * 2 - 1
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            lost, slope = gradient(loss_of(kind, settings), 50.0 * signs, targets, known)
        assert lost.shape == (N,) and lost.dtype == torch.float32
        assert bool(lost.isfinite().all()) and bool(slope.isfinite().all())


@every_loss
def test_the_order_of_classes_means_nothing(kind, settings):
    logits, targets, known = rows()
    order = torch.tensor([3, 0, 5, 1, 4, 2])
    lost, slope = gradient(loss_of(kind, settings), logits, targets, known)
    other, other_slope = gradient(loss_of(kind, settings), logits[:, order], targets[:, order], known[:, order])
    torch.testing.assert_close(other, lost)
    torch.testing.assert_close(other_slope, slope[:, order])


@every_loss
def test_a_batch_is_its_members(kind, settings):
    loss, (logits, targets, known) = loss_of(kind, settings), rows()
    lost, slope = gradient(loss, logits, targets, known)
    for i in range(N):
        one, its_slope = gradient(loss, logits[i : i + 1], targets[i : i + 1], known[i : i + 1])
        torch.testing.assert_close(one, lost[i : i + 1])
        torch.testing.assert_close(its_slope, slope[i : i + 1])


@every_loss
@pytest.mark.parametrize("nonsense", [0.0, 1.0, math.nan])
def test_what_is_not_known_has_no_say(kind, settings, nonsense):
    loss, (logits, targets, known) = loss_of(kind, settings), rows()
    lost, slope = gradient(loss, logits, targets, known)
    assert not slope[~known].any()
    elsewhere = torch.where(known, targets, torch.full_like(targets, nonsense))
    moved, its_slope = gradient(loss, torch.where(known, logits, -logits), elsewhere, known)
    assert torch.equal(moved, lost)
    assert torch.equal(its_slope, slope)


@every_loss
def test_clips_without_labels_with_all_labels_and_with_nothing_known_are_defined(kind, settings):
    lost, slope = gradient(loss_of(kind, settings), *rows())
    assert bool(lost[:3].isfinite().all()) and bool(slope[:3].isfinite().all())
    assert lost[2] == 0 and not slope[2].any()


@every_loss
def test_right_answers_lose_less_than_wrong_ones(kind, settings):
    _, targets, known = rows()
    loss = loss_of(kind, settings)
    right, wrong = (loss(sign * (8 * targets - 4), targets, known) for sign in (1, -1))
    mixed = [bool(t[k].any()) and not bool(t[k].all()) for t, k in zip(targets, known, strict=True)]
    assert sum(mixed) >= 3
    assert bool((right < wrong)[torch.tensor(mixed)].all())


@every_loss
def test_soft_targets_work_or_are_refused_in_words(kind, settings):
    logits, targets, known = rows()
    soft = 0.3 + 0.4 * targets
    try:
        lost, slope = gradient(loss_of(kind, settings), logits, soft, known)
    except EarmarkError as error:
        assert "soft" in str(error)
        return
    assert bool(lost.isfinite().all()) and bool(slope.isfinite().all())
    assert not torch.equal(lost, loss_of(kind, settings)(logits, targets, known))


@pytest.mark.parametrize(("smoothing", "positive_weight"), [(0.0, 1.0), (0.2, 1.0), (0.0, 4.0), (0.1, 0.5)])
def test_bce_is_the_double_loop(smoothing, positive_weight):
    logits, targets, known = rows()
    targets[3:] *= 0.6
    lost = BCE(smoothing=smoothing, positive_weight=positive_weight)(logits, targets, known)
    for i in range(N):
        losses = []
        for j in range(C):
            if known[i, j]:
                y = float(targets[i, j]) * (1 - smoothing) + 0.5 * smoothing
                p = 1 / (1 + math.exp(-float(logits[i, j])))
                losses.append(-(positive_weight * y * math.log(p) + (1 - y) * math.log(1 - p)))
        wanted = sum(losses) / len(losses) if losses else 0.0
        assert float(lost[i]) == pytest.approx(wanted, rel=1e-4, abs=1e-6)


def test_bce_averages_to_that_of_torch_where_all_is_known():
    logits, targets, known = rows()
    lost = BCE()(logits, targets, torch.ones_like(known))
    torch.testing.assert_close(lost.mean(), F.binary_cross_entropy_with_logits(logits, targets))
