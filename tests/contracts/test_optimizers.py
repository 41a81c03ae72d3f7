"""What every optimizer must keep to; a new member is tested the moment it exists."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from torch import nn

from earmark.training.optimizers.adam import Adam
from earmark.training.optimizers.adamw import AdamW
from earmark.training.optimizers.nadam import NAdam
from earmark.training.optimizers.optimizer import Optimizer, Plain
from earmark.training.optimizers.sam import SAM
from earmark.training.optimizers.sgd import SGD

VARIANTS: dict[str, list[dict[str, Any]]] = {
    "adam": [{"amsgrad": True}, {"weight_decay": 0.1}, {"weight_decay": 0.1, "decay_norms": False}],
    "adamw": [{"weight_decay": 0.1}, {"amsgrad": True, "decay_norms": False}],
    "nadam": [{"weight_decay": 0.1}, {"weight_decay": 0.1, "decoupled": True}],
    "sam": [{"rho": 0.5}, {"base": {"kind": "adam", "lr": 0.01}}],
    "sgd": [{"momentum": 0, "nesterov": False}, {"nesterov": False}, {"weight_decay": 0.1}],
}
LR = {"sam": {"base": {"kind": "sgd", "lr": 0.01}}}
"""How a member is told its rate, where not by ``lr``."""
CASES = [
    pytest.param(member.model_validate({**LR.get(kind, {"lr": 0.01}), **settings}), id=f"{kind}-{i}")
    for kind, member in Optimizer.members().items()
    for i, settings in enumerate([{}, *VARIANTS.get(kind, [])])
]
every_optimizer = pytest.mark.parametrize("settings", CASES)
AIM = torch.tensor([1.0, -2.0, 0.5])


def trained(settings: Optimizer, n_steps: int, seed: int = 0) -> tuple[nn.Parameter, torch.optim.Optimizer]:
    """A point that went ``n_steps`` towards `AIM`."""
    point = nn.Parameter(torch.randn(3, generator=torch.Generator().manual_seed(seed)))
    optimizer = settings.build(iter([point]))
    walk(point, optimizer, n_steps, settings)
    return point, optimizer


def walk(point: nn.Parameter, optimizer: torch.optim.Optimizer, n_steps: int, settings: Optimizer) -> None:
    def gradient() -> torch.Tensor:
        optimizer.zero_grad()
        (point - AIM).square().sum().backward()
        assert point.grad is not None
        return point.grad.norm()

    for _ in range(n_steps):
        settings.step(optimizer, gradient)


@every_optimizer
def test_it_goes_downhill(settings):
    start, end = trained(settings, 0)[0].detach(), trained(settings, 100)[0].detach()
    assert float((end - AIM).norm()) < 0.8 * float((start - AIM).norm())


@every_optimizer
def test_the_rate_is_the_one_of_its_settings_and_a_rate_of_zero_stands_still(settings):
    point, optimizer = trained(settings, 3)
    assert [group["lr"] for group in optimizer.param_groups] == [settings.top_lr] == [0.01]
    before = point.detach().clone()
    for group in optimizer.param_groups:
        group["lr"] = 0.0
    walk(point, optimizer, 1, settings)
    assert torch.equal(point.detach(), before)


@every_optimizer
def test_with_its_state_put_back_it_goes_on_as_if_nothing_had_been(settings):
    point, optimizer = trained(settings, 5)
    other = nn.Parameter(point.detach().clone())
    fresh = settings.build([other])
    fresh.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    walk(point, optimizer, 5, settings)
    walk(other, fresh, 5, settings)
    assert torch.equal(point.detach(), other.detach())


@every_optimizer
def test_a_parameter_may_get_its_first_gradient_later_than_others(settings):
    """As those of a head do, whose part of the objective has no weight at first."""
    early, late = (nn.Parameter(torch.zeros(3)) for _ in range(2))
    optimizer = settings.build([early, late])

    def gradient(of: list[nn.Parameter]) -> torch.Tensor:
        optimizer.zero_grad()
        torch.stack([(point - AIM).square().sum() for point in of]).sum().backward()
        return torch.stack([point.grad.norm() for point in of if point.grad is not None]).norm()

    settings.step(optimizer, lambda: gradient([early]))
    assert bool(early.any()) and not bool(late.any())
    for _ in range(60):
        settings.step(optimizer, lambda: gradient([early, late]))
    assert float((late.detach() - AIM).norm()) < 0.9 * float(AIM.norm())


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
        (AdamW(lr=0.02, weight_decay=0.1), lambda p: torch.optim.AdamW(p, lr=0.02, weight_decay=0.1)),
        (AdamW(lr=0.02), lambda p: torch.optim.AdamW(p, lr=0.02)),
        (NAdam(lr=0.02), lambda p: torch.optim.NAdam(p, lr=0.02)),
        (
            NAdam(lr=0.02, weight_decay=0.1, momentum_decay=0.1, decoupled=True),
            lambda p: torch.optim.NAdam(p, lr=0.02, weight_decay=0.1, momentum_decay=0.1, decoupled_weight_decay=True),
        ),
        (SGD(lr=0.02), lambda p: torch.optim.SGD(p, lr=0.02, momentum=0.9, nesterov=True)),
        (
            SGD(lr=0.02, momentum=0.5, nesterov=False, weight_decay=0.1),
            lambda p: torch.optim.SGD(p, lr=0.02, momentum=0.5, weight_decay=0.1),
        ),
    ],
)
def test_it_is_that_of_torch(settings: Plain, reference: Callable[[Any], torch.optim.Optimizer]):
    mine, _ = trained(settings, 60)
    start, _ = trained(settings, 0)
    walk(start, reference([start]), 60, Adam())
    torch.testing.assert_close(mine.detach(), start.detach())


@pytest.mark.parametrize("kind", [Adam, AdamW, NAdam, SGD])
def test_norms_and_biases_may_be_spared_weight_decay(kind: type[Plain]):
    net = nn.Sequential(nn.Conv1d(2, 3, 3), nn.BatchNorm1d(3))
    sparing = kind(weight_decay=0.1, decay_norms=False).build(net.parameters())
    decays = {id(p): group["weight_decay"] for group in sparing.param_groups for p in group["params"]}
    assert [decays[id(p)] for p in net.parameters()] == [0.1, 0, 0, 0]
    whole = kind(weight_decay=0.1).build(net.parameters())
    assert [group["weight_decay"] for group in whole.param_groups] == [0.1]
    assert len(kind(weight_decay=0, decay_norms=False).build(net.parameters()).param_groups) == 1


def test_sam_steps_by_the_gradient_uphill():
    """By hand: the gradient of f at w + rho g / |g|, applied to w by plain descent."""
    settings = SAM(rho=0.3, base=SGD(lr=0.1, momentum=0, nesterov=False))
    curve = torch.tensor([1.0, 4.0, 9.0])
    point = nn.Parameter(torch.tensor([0.5, -1.0, 2.0]))
    wanted = point.detach().clone()
    optimizer = settings.build([point])
    seen: list[torch.Tensor] = []

    def gradient() -> torch.Tensor:
        seen.append(point.detach().clone())
        point.grad = 2 * curve * point.detach()
        return point.grad.norm()

    for _ in range(5):
        uphill = 2 * curve * wanted
        there = wanted + 0.3 * uphill / uphill.norm()
        settings.step(optimizer, gradient)
        torch.testing.assert_close(seen[-1], there)
        torch.testing.assert_close(seen[-2], wanted)
        wanted = wanted - 0.1 * 2 * curve * there
        torch.testing.assert_close(point.detach(), wanted)
    assert len(seen) == 10


def test_sam_comes_back_to_the_very_bits_before_it_steps():
    settings = SAM(rho=0.7, base=SGD(lr=0.1))
    point = nn.Parameter(torch.randn(50, generator=torch.Generator().manual_seed(0)))
    optimizer = settings.build([point])
    for group in optimizer.param_groups:
        group["lr"] = 0.0
    before = point.detach().clone()
    for n in range(20):

        def gradient(n: int = n) -> torch.Tensor:
            point.grad = torch.sin(point.detach() * (n + 1)) / 3
            return point.grad.norm()

        settings.step(optimizer, gradient)
    assert torch.equal(point.detach(), before)


def test_nesterov_without_momentum_is_refused():
    with pytest.raises(ValidationError, match="momentum is 0"):
        SGD(momentum=0)
