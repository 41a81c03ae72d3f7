"""What every optimizer must keep to; a new member is tested the moment it exists."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from earmark.training.optimizers.adam import Adam
from earmark.training.optimizers.optimizer import Optimizer

VARIANTS: dict[str, list[dict[str, Any]]] = {
    "adam": [{"amsgrad": True}, {"weight_decay": 0.1}, {"weight_decay": 0.1, "decoupled": True}],
}
CASES = [
    pytest.param(member.model_validate({"lr": 0.01, **settings}), id=f"{kind}-{i}")
    for kind, member in Optimizer.members().items()
    for i, settings in enumerate([{}, *VARIANTS.get(kind, [])])
]
every_optimizer = pytest.mark.parametrize("settings", CASES)
AIM = torch.tensor([1.0, -2.0, 0.5])


def trained(settings: Optimizer, n_steps: int, seed: int = 0) -> tuple[nn.Parameter, torch.optim.Optimizer]:
    """A point that went ``n_steps`` towards `AIM`."""
    point = nn.Parameter(torch.randn(3, generator=torch.Generator().manual_seed(seed)))
    optimizer = settings.build(iter([point]))
    walk(point, optimizer, n_steps)
    return point, optimizer


def walk(point: nn.Parameter, optimizer: torch.optim.Optimizer, n_steps: int) -> None:
    for _ in range(n_steps):
        optimizer.zero_grad()
        (point - AIM).square().sum().backward()
        optimizer.step()


@every_optimizer
def test_it_goes_downhill(settings):
    start, end = trained(settings, 0)[0].detach(), trained(settings, 100)[0].detach()
    assert float((end - AIM).norm()) < 0.8 * float((start - AIM).norm())


@every_optimizer
def test_the_rate_is_the_one_of_its_settings_and_a_rate_of_zero_stands_still(settings):
    point, optimizer = trained(settings, 3)
    assert [group["lr"] for group in optimizer.param_groups] == [settings.lr]
    before = point.detach().clone()
    for group in optimizer.param_groups:
        group["lr"] = 0.0
    walk(point, optimizer, 1)
    assert torch.equal(point.detach(), before)


@every_optimizer
def test_with_its_state_put_back_it_goes_on_as_if_nothing_had_been(settings):
    point, optimizer = trained(settings, 5)
    other = nn.Parameter(point.detach().clone())
    fresh = settings.build([other])
    fresh.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    walk(point, optimizer, 5)
    walk(other, fresh, 5)
    assert torch.equal(point.detach(), other.detach())


@pytest.mark.parametrize(
    ("settings", "reference"),
    [
        (Adam(lr=0.02), lambda p: torch.optim.Adam(p, lr=0.02)),
        (Adam(lr=0.02, betas=(0.8, 0.99)), lambda p: torch.optim.Adam(p, lr=0.02, betas=(0.8, 0.99))),
        (Adam(lr=0.02, eps=0.1, weight_decay=0.1), lambda p: torch.optim.Adam(p, lr=0.02, eps=0.1, weight_decay=0.1)),
        # A short memory, so that the running square falls and its maximum is another number.
        (
            Adam(lr=0.05, betas=(0.9, 0.3), amsgrad=True),
            lambda p: torch.optim.Adam(p, lr=0.05, betas=(0.9, 0.3), amsgrad=True),
        ),
        (Adam(lr=0.02, weight_decay=0.1), lambda p: torch.optim.Adam(p, lr=0.02, weight_decay=0.1)),
        (Adam(lr=0.02, weight_decay=0.1, decoupled=True), lambda p: torch.optim.AdamW(p, lr=0.02, weight_decay=0.1)),
    ],
)
def test_adam_is_that_of_torch(settings: Adam, reference: Callable[[Any], torch.optim.Optimizer]):
    mine, _ = trained(settings, 60)
    start, _ = trained(settings, 0)
    walk(start, reference([start]), 60)
    torch.testing.assert_close(mine.detach(), start.detach())
