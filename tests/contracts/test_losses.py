"""What every loss must keep to; a new member is tested the moment it exists.

A member is tried with its defaults and with the settings listed in `VARIANTS`. A loss may refuse soft targets, if it
says so beforehand and in an error of earmark's own; all else holds for all of them.
"""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from earmark.core.errors import EarmarkError
from earmark.losses.loss import Loss
from tests.losses.rows import C, N, rows

VARIANTS: dict[str, list[dict[str, Any]]] = {
    "arcface": [{"margin": 0.0}, {"scale": 8.0, "margin": 1.0}],
    "asymmetric": [{"gamma_pos": 1.0, "gamma_neg": 0.5}, {"gamma_neg": 2.0, "clip": 0.0}, {"gamma_neg": 0.0}],
    "bce": [{"smoothing": 0.1, "positive_weight": 3.0}, {"double_sigmoid": True}],
    "focal": [{"gamma": 0.0}, {"gamma": 0.5, "alpha": 0.25}],
    "hinge": [{"threshold": 0.5}, {"threshold": 0.0}],
    "lq": [{"q": 1.0}, {"q": 0.01}, {"over": "labels"}, {"over": "best"}],
    "lsep": [{"form": "factorised"}],
    "mse": [{"activation": "softmax"}],
    "soft_bootstrap": [{"beta": 0.7, "fixed": True}],
    "softmax_kl": [{"normalise": False, "reduction": "mean"}],
}
CASES = [
    pytest.param(kind, settings, id=f"{kind}-{i}")
    for kind, member in Loss.members().items()
    for i, settings in enumerate([{}, *VARIANTS.get(kind, [])])
]
every_loss = pytest.mark.parametrize(("kind", "settings"), CASES)


def loss_of(kind: str, settings: dict[str, Any]) -> Loss:
    return Loss.members()[kind].model_validate(settings)


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
    loss, (logits, targets, known) = loss_of(kind, settings), rows()
    soft = torch.rand(N, C, generator=torch.Generator().manual_seed(1))
    if not loss.takes_soft:
        with pytest.raises(EarmarkError, match="soft"):
            loss(logits, soft, known)
        return
    lost, slope = gradient(loss, logits, soft, known)
    assert bool(lost.isfinite().all()) and bool(slope.isfinite().all())
    assert not torch.equal(lost, loss(logits, targets, known))


@every_loss
def test_half_precision_is_worked_out_in_float32(kind, settings):
    loss, (logits, targets, known) = loss_of(kind, settings), rows()
    short = logits.to(torch.bfloat16)
    lost, _ = gradient(loss, short, targets, known)
    assert torch.equal(lost, gradient(loss, short.float(), targets, known)[0])


@every_loss
def test_it_never_waits_for_the_device(kind, settings):
    """On the meta device there are shapes and no values: whoever asks for one fails."""
    logits, targets, known = (tensor.to("meta") for tensor in rows())
    lost, slope = gradient(loss_of(kind, settings), logits, targets, known)
    assert lost.shape == (N,) and slope.shape == (N, C)


# Finite differences cannot hold a part of a loss fixed, as some variants do.
@pytest.mark.parametrize(("kind", "settings"), [case for case in CASES if not case.values[1].get("fixed")])
def test_the_gradient_is_that_of_the_loss(kind, settings):
    loss, (logits, targets, known) = loss_of(kind, settings), rows()
    if loss.takes_soft:
        targets[3:] *= 0.9
        targets[4:] = (targets[4:] + 0.05 * torch.arange(C)).clamp(max=1)
    exact = logits.double().requires_grad_()
    assert torch.autograd.gradcheck(lambda z: loss(z, targets.double(), known), (exact,), eps=1e-6, atol=1e-5)
