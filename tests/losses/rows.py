"""Small rows of logits, targets and what is known, and the plainest way to sum a loss over them."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from earmark.losses.loss import Loss

N, C = 7, 6


def rows(seed: int = 0, scale: float = 3.0) -> tuple[Tensor, Tensor, Tensor]:
    """Logits, targets and what is known; row 0 has no label, row 1 all of them, of row 2 nothing is known."""
    chance = torch.Generator().manual_seed(seed)
    logits = scale * torch.randn(N, C, generator=chance)
    targets = (torch.rand(N, C, generator=chance) < 0.4).float()
    known = torch.rand(N, C, generator=chance) < 0.7
    targets[0], targets[1] = 0, 1
    known[:2], known[2] = True, False
    return logits, targets, known


def graded(seed: int = 0, scale: float = 3.0) -> tuple[Tensor, Tensor, Tensor]:
    """The same with shares for targets in the later rows, some of them alike."""
    logits, targets, known = rows(seed, scale)
    shares = torch.tensor([0.0, 0.3, 0.3, 0.7, 1.0])
    targets[3:] = shares[torch.randint(0, len(shares), (N - 3, C), generator=torch.Generator().manual_seed(seed))]
    return logits, targets, known


def sigmoid(z: float) -> float:
    return 1 / (1 + math.exp(-z))


Row = list[tuple[float, float]]
"""Logit and target of each known class of a clip."""


def known_of(logits: Tensor, targets: Tensor, known: Tensor, clip: int) -> Row:
    return [(float(logits[clip, j]), float(targets[clip, j])) for j in range(logits.shape[1]) if known[clip, j]]


def assert_by_clip(loss: Loss, wanted: Callable[[Row], float], made: tuple[Tensor, Tensor, Tensor]) -> None:
    """The loss of every clip is what the loop over its known classes gives; 0 where there is none."""
    lost = loss(*made)
    for clip in range(len(lost)):
        row = known_of(*made, clip)
        assert float(lost[clip]) == pytest.approx(wanted(row) if row else 0.0, rel=1e-4, abs=1e-6), clip


def assert_mean(loss: Loss, wanted: Callable[[float, float], float], made: tuple[Tensor, Tensor, Tensor]) -> None:
    """The loss of every clip is the mean over its known classes of what the formula gives for (logit, target)."""
    assert_by_clip(loss, lambda row: sum(wanted(z, y) for z, y in row) / len(row), made)


def slopes(loss: Loss, made: tuple[Tensor, Tensor, Tensor]) -> Tensor:
    """The gradient of the sum of the clips' losses, [batch, classes]."""
    logits = made[0].clone().requires_grad_()
    (slope,) = torch.autograd.grad(loss(logits, *made[1:]).sum(), logits)
    return slope
