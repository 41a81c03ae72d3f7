"""What every schedule must keep to, and what each of ours follows; a new member is tested the moment it exists."""

from __future__ import annotations

import itertools
import math
import random
from typing import Any

import pytest
import torch

from earmark.schedules.cosine import Constant, Cosine, CosineOscillation, CosineRestarts
from earmark.schedules.schedule import Schedule

VARIANTS: dict[str, list[dict[str, Any]]] = {
    "cosine": [{"warmup_epochs": 3.5, "floor": 0.1}, {"warmup_epochs": 50.0}],
    "cosine_oscillation": [{"per_epoch": False}, {"half_period_epochs": 2.5, "floor": 0}, {"half_period_epochs": 0.3}],
    "cosine_restarts": [{"period_epochs": 4.0}, {"period_epochs": 2.5, "floor": 0}, {"period_epochs": 0.3}],
}
CASES = [
    pytest.param(member.model_validate(settings), id=f"{kind}-{i}")
    for kind, member in Schedule.members().items()
    for i, settings in enumerate([{}, *VARIANTS.get(kind, [])])
]
every_schedule = pytest.mark.parametrize("schedule", CASES)


@every_schedule
@pytest.mark.parametrize("n_epochs", [1, 7, 40])
def test_factors_are_finite_and_not_negative_from_end_to_end(schedule, n_epochs):
    factors = [schedule(n_epochs * i / 500, n_epochs) for i in range(501)]
    assert all(math.isfinite(factor) and factor >= 0 for factor in factors)
    assert max(factors) <= 1 + 1e-12
    assert any(factor > 0 for factor in factors)


@every_schedule
def test_nothing_is_remembered(schedule):
    places = [7 * i / 50 for i in range(51)]
    in_order = {place: schedule(place, 7) for place in places}
    random.Random(0).shuffle(places)
    again = type(schedule).model_validate(schedule.model_dump())
    assert all(again(place, 7) == in_order[place] for place in places)


@every_schedule
@pytest.mark.parametrize("n_epochs", [1, 7, 40])
def test_cycles_end_in_order_and_the_last_with_the_training(schedule, n_epochs):
    ends = schedule.cycle_ends(n_epochs)
    assert list(ends) == sorted(set(ends))
    assert ends[-1] == n_epochs and ends[0] >= 1
    assert all(isinstance(end, int) for end in ends)


def test_the_oscillation_is_the_annealing_of_torch_stepped_past_its_end():
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.Adam([parameter], lr=3e-3)
    annealing = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=10, eta_min=1e-5)
    schedule = CosineOscillation()
    for epoch in range(80):
        for within in (0.0, 0.5, 0.999):
            assert 3e-3 * schedule(epoch + within, 80) == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-9)
        optimizer.step()
        annealing.step()


def test_the_oscillation_has_no_jumps_when_it_follows_every_step():
    schedule = CosineOscillation(per_epoch=False)
    factors = [schedule(i / 100, 80) for i in range(8001)]
    assert max(abs(a - b) for a, b in itertools.pairwise(factors)) < 0.002
    assert factors[1000] == pytest.approx(schedule.floor) and factors[2000] == pytest.approx(1)


def test_cosine_rises_linearly_and_falls_to_its_floor():
    schedule = Cosine(warmup_epochs=4, floor=0.2)
    assert [schedule(epoch, 10) for epoch in (0, 1, 2, 4)] == pytest.approx([0.05, 0.2875, 0.525, 1])
    assert schedule(7, 10) == pytest.approx(0.6)
    assert schedule(10, 10) == pytest.approx(0.2)
    falling = [schedule(4 + 6 * i / 100, 10) for i in range(101)]
    assert falling == sorted(falling, reverse=True)


def test_restarts_fall_to_the_floor_and_jump_to_the_top():
    schedule = CosineRestarts(period_epochs=8, floor=1e-3)
    for restart in (8, 16, 24):
        assert schedule(restart - 1e-6, 32) == pytest.approx(1e-3, abs=1e-6)
        assert schedule(restart, 32) == 1
    assert schedule(32, 32) == pytest.approx(1e-3)
    assert schedule(36, 64) == schedule(4, 64) == pytest.approx((1 + 1e-3) / 2)


@pytest.mark.parametrize(
    ("schedule", "n_epochs", "ends"),
    [
        (Constant(), 5, (5,)),
        (Cosine(), 5, (5,)),
        (CosineOscillation(), 80, (10, 30, 50, 70, 80)),
        (CosineRestarts(), 512, tuple(range(64, 513, 64))),
        (CosineRestarts(period_epochs=4), 10, (4, 8, 10)),
        (CosineRestarts(period_epochs=0.25), 3, (1, 2, 3)),
        (CosineOscillation(half_period_epochs=0.1), 4, (1, 2, 3, 4)),
    ],
)
def test_where_cycles_end(schedule, n_epochs, ends):
    assert schedule.cycle_ends(n_epochs) == ends


def test_a_longer_training_does_not_stretch_a_period():
    for schedule in (CosineOscillation(), CosineRestarts()):
        assert [schedule(epoch, 100) for epoch in range(80)] == [schedule(epoch, 500) for epoch in range(80)]
