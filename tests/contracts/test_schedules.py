"""What every schedule must keep to, and what each of ours follows; a new member is tested the moment it exists."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from torch.optim import lr_scheduler

from earmark.schedules.cosine import Constant, Cosine, CosineOscillation, CosineRestarts, CosineSteps
from earmark.schedules.one_cycle import OneCycle
from earmark.schedules.plateau import Plateau
from earmark.schedules.schedule import Place, Schedule, Warmed
from earmark.schedules.steps import Milestones, Steps

VARIANTS: dict[str, list[dict[str, Any]]] = {
    "constant": [{"warmup_epochs": 2.0}],
    "cosine": [{"warmup_epochs": 3.5, "floor": 0.1}, {"warmup_epochs": 50.0}],
    "cosine_oscillation": [
        {"per_epoch": False},
        {"half_period_epochs": 2.5, "floor": 0},
        {"half_period_epochs": 0.3},
        {"warmup_epochs": 1.0},
    ],
    "cosine_restarts": [{"period_epochs": 4.0}, {"period_epochs": 2.5, "floor": 0}, {"period_epochs": 0.3}],
    "cosine_steps": [{"every_steps": 1, "half_period": 1}, {"every_steps": 7, "half_period": 20, "warmup_epochs": 1}],
    "milestones": [{"at_epochs": []}, {"at_epochs": [0.5, 3], "factor": 0.1, "warmup_epochs": 1}],
    "one_cycle": [{"shape": "cosine"}, {"start": 0, "rise_share": 0}, {"rise_share": 1, "end_over_start": 1}],
    "plateau": [{"watch": "score"}, {"patience_epochs": 0, "floor": 0.5, "warmup_epochs": 1.5}],
    "step": [{"every_epochs": 1, "factor": 0.9}, {"every_epochs": 0.3}, {"warmup_epochs": 1}],
}
CASES = [
    pytest.param(member.model_validate(settings), id=f"{kind}-{i}")
    for kind, member in Schedule.members().items()
    for i, settings in enumerate([{}, *VARIANTS.get(kind, [])])
]
every_schedule = pytest.mark.parametrize("schedule", CASES)
FINE = 100
"""Steps of an epoch, where a test is about epochs."""


def at(epoch: float, n_epochs: int) -> Place:
    """A place among fine steps."""
    return Place(round(epoch * FINE), FINE, n_epochs, rows(int(epoch)))


def rows(n_epochs: int) -> list[dict[str, Any]]:
    """A history in which nothing gets much better."""
    return [{"epoch": i + 1, "total": 1.0, "held_out_lwlrap": 0.5} for i in range(n_epochs)]


def rates_of_torch(make: Callable[[Any], Any], lr: float, n: int) -> list[float]:
    """The rates that a scheduler of torch gives n steps."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=lr)
    scheduler = make(optimizer)
    found = []
    for _ in range(n):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return found


@every_schedule
@pytest.mark.parametrize("n_epochs", [1, 7, 40])
def test_factors_are_finite_and_not_negative_from_end_to_end(schedule, n_epochs):
    factors = [schedule(at(n_epochs * i / 500, n_epochs)) for i in range(501)]
    assert all(math.isfinite(factor) and factor >= 0 for factor in factors)
    assert max(factors) <= 1 + 1e-12
    assert any(factor > 0 for factor in factors)


@every_schedule
def test_trainings_of_a_step_or_two_have_rates(schedule):
    for n_epochs, steps_per_epoch in ((1, 1), (1, 2), (2, 1)):
        n_steps = n_epochs * steps_per_epoch
        factors = [schedule(Place(step, steps_per_epoch, n_epochs)) for step in range(n_steps + 1)]
        assert all(0 <= factor <= 1 + 1e-12 for factor in factors)


@every_schedule
def test_nothing_is_remembered(schedule):
    places = [at(7 * i / 50, 7) for i in range(51)]
    in_order = [schedule(place) for place in places]
    again = type(schedule).model_validate(schedule.model_dump())
    shuffled = random.Random(0).sample(range(51), 51)
    assert all(again(places[i]) == in_order[i] for i in shuffled)


@every_schedule
@pytest.mark.parametrize("steps_per_epoch", [1, 13, 1000])
@pytest.mark.parametrize("n_epochs", [1, 7, 40])
def test_cycles_end_in_order_and_the_last_with_the_training(schedule, n_epochs, steps_per_epoch):
    ends = schedule.cycle_ends(n_epochs, steps_per_epoch)
    assert list(ends) == sorted(set(ends))
    assert ends[-1] == n_epochs and ends[0] >= 1
    assert all(isinstance(end, int) for end in ends)


@every_schedule
def test_a_warm_up_rises_in_a_line_to_the_law(schedule):
    if not isinstance(schedule, Warmed):
        return
    warmed = schedule.model_copy(update={"warmup_epochs": 4.0})
    for step in range(0, 4 * FINE, 50):
        place = Place(step, FINE, 10, rows(step // FINE))
        assert warmed(place) == pytest.approx((0.05 + 0.95 * step / (4 * FINE)) * warmed.law(place))
    after = Place(4 * FINE, FINE, 10, rows(4))
    assert warmed(after) == warmed.law(after)


def test_the_oscillation_is_the_annealing_of_torch_stepped_past_its_end():
    wanted = rates_of_torch(lambda o: lr_scheduler.CosineAnnealingLR(o, T_max=10, eta_min=1e-5), 3e-3, 80)
    for epoch, rate in enumerate(wanted):
        for step in (0, 50, 99):
            place = Place(epoch * FINE + step, FINE, 80)
            assert 3e-3 * CosineOscillation()(place) == pytest.approx(rate, rel=1e-9)


def test_the_oscillation_of_steps_is_the_annealing_of_torch_stepped_every_so_many():
    wanted = rates_of_torch(lambda o: lr_scheduler.CosineAnnealingLR(o, T_max=200, eta_min=3e-6), 3e-3, 500)
    for tick, rate in enumerate(wanted):
        for step in (0, 299):
            found = 3e-3 * CosineSteps()(Place(300 * tick + step, 77, 2000))
            assert found == pytest.approx(rate, rel=1e-6)


def test_the_oscillation_has_no_jumps_when_it_follows_every_step():
    schedule = CosineOscillation(per_epoch=False)
    factors = [schedule(Place(i, FINE, 80)) for i in range(8001)]
    assert max(abs(a - b) for a, b in itertools.pairwise(factors)) < 0.002
    assert factors[1000] == pytest.approx(schedule.floor) and factors[2000] == pytest.approx(1)


def test_cosine_rises_linearly_and_falls_to_its_floor():
    schedule = Cosine(warmup_epochs=4, floor=0.2)
    assert [schedule(at(epoch, 10)) for epoch in (0, 1, 2, 4)] == pytest.approx([0.05, 0.2875, 0.525, 1])
    assert schedule(at(7, 10)) == pytest.approx(0.6)
    assert schedule(at(10, 10)) == pytest.approx(0.2)
    falling = [schedule(at(4 + 6 * i / 100, 10)) for i in range(101)]
    assert falling == sorted(falling, reverse=True)


def test_restarts_fall_to_the_floor_and_jump_to_the_top():
    schedule = CosineRestarts(period_epochs=8, floor=1e-3)
    for restart in (8, 16, 24):
        assert schedule(Place(restart * 10**6 - 1, 10**6, 32)) == pytest.approx(1e-3, abs=1e-6)
        assert schedule(at(restart, 32)) == 1
    assert schedule(at(32, 32)) == pytest.approx(1e-3)
    assert schedule(at(36, 64)) == schedule(at(4, 64)) == pytest.approx((1 + 1e-3) / 2)


def test_restarts_are_those_of_torch_in_steps():
    wanted = rates_of_torch(lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, T_0=64, eta_min=1e-6), 1e-3, 400)
    schedule = CosineRestarts(period_epochs=8)
    assert [1e-3 * schedule(Place(step, 8, 50)) for step in range(400)] == pytest.approx(wanted, rel=1e-6)


@pytest.mark.parametrize(("n_epochs", "steps_per_epoch"), [(3, 7), (80, 249), (1, 10)])
def test_one_cycle_is_the_published_one_step_by_step(n_epochs, steps_per_epoch):
    lowest, highest = 1e-4, 5e-3
    n = n_epochs * steps_per_epoch
    middle = round(0.3 * n)
    for step in range(n):
        if step < middle:
            wanted = lowest + (highest - lowest) * step / middle
        else:
            wanted = highest + (lowest / 1000 - highest) * (step - middle) / (n - middle)
        found = highest * OneCycle(start=lowest / highest)(Place(step, steps_per_epoch, n_epochs))
        assert found == pytest.approx(wanted, rel=1e-9)


@pytest.mark.parametrize(("shape", "strategy"), [("linear", "linear"), ("cosine", "cos")])
def test_one_cycle_is_that_of_torch(shape, strategy):
    n, top = 200, 60
    wanted = rates_of_torch(
        lambda o: lr_scheduler.OneCycleLR(
            o,
            max_lr=0.1,
            total_steps=n + 1,  # torch's last step is at the end; ours is one before it
            pct_start=(top + 1) / (n + 1),
            anneal_strategy=strategy,
            cycle_momentum=False,
            div_factor=25,
            final_div_factor=1e4,
        ),
        0.1,
        n,
    )
    schedule = OneCycle(start=1 / 25, end_over_start=1e-4, shape=shape)
    assert [0.1 * schedule(Place(step, 20, 10)) for step in range(n)] == pytest.approx(wanted, rel=1e-6)


@pytest.mark.parametrize("every", [1, 7])
def test_steps_are_those_of_torch(every):
    wanted = rates_of_torch(lambda o: lr_scheduler.StepLR(o, step_size=every, gamma=0.5), 0.01, 40)
    found = [0.01 * Steps(every_epochs=every)(Place(3 * epoch + 2, 3, 40)) for epoch in range(40)]
    assert found == pytest.approx(wanted)


def test_milestones_are_those_of_torch():
    wanted = rates_of_torch(lambda o: lr_scheduler.MultiStepLR(o, milestones=[14, 21, 28], gamma=0.5), 5e-4, 40)
    found = [5e-4 * Milestones()(Place(3 * epoch, 3, 40)) for epoch in range(40)]
    assert found == pytest.approx(wanted)
    assert [Milestones()(Place(3 * 14 - 1, 3, 40)), Milestones()(Place(3 * 14, 3, 40))] == [1, 0.5]


@pytest.mark.parametrize("at_epochs", [[3, 2], [2, 2], [0, 1]])
def test_milestones_that_are_none_are_refused(at_epochs):
    with pytest.raises(ValidationError, match="rising order"):
        Milestones(at_epochs=at_epochs)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    ("watch", "name", "mode"),
    [("train_loss", "total", "min"), ("score", "held_out_lwlrap", "max"), ("score", "put_aside_lwlrap", "max")],
)
@pytest.mark.parametrize("patience", [0, 2, 6])
def test_a_plateau_is_that_of_torch(watch, name, mode, patience, seed):
    rng = random.Random(seed)
    values = [round(rng.uniform(0.4, 0.6) + 0.002 * epoch, 2) for epoch in range(60)]
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    reference = lr_scheduler.ReduceLROnPlateau(optimizer, mode=mode, factor=0.6, patience=patience, eps=0)
    schedule = Plateau(watch=watch, patience_epochs=patience)
    history: list[dict[str, Any]] = []
    for epoch, value in enumerate(values):
        assert schedule(Place(4 * epoch + 3, 4, 60, history)) == pytest.approx(optimizer.param_groups[0]["lr"])
        history.append({"epoch": epoch + 1, name: value})
        reference.step(value)
    assert optimizer.param_groups[0]["lr"] < 0.7


def test_a_plateau_counts_epochs_between_looks_and_stops_at_its_floor():
    schedule = Plateau(watch="score", patience_epochs=3, factor=0.1, floor=0.05)
    history = [{"epoch": e, "total": 1.0} | ({"held_out_lwlrap": 0.5} if e % 2 == 0 else {}) for e in range(1, 21)]
    factors = [schedule(Place(epoch, 1, 40, history[:epoch])) for epoch in range(21)]
    assert factors == [1] * 6 + [0.1] * 4 + [0.05] * 11, "best in 2; 4 epochs later, in 6, and again in 10"


def test_what_answers_to_the_training_says_so():
    watching = {kind for kind, member in Schedule.members().items() if member().watches}
    assert watching == {"plateau"}
    assert (Plateau().watches, Plateau(watch="score").watches) == ("train_loss", "score")


@pytest.mark.parametrize(
    ("schedule", "n_epochs", "ends"),
    [
        (Constant(), 5, (5,)),
        (Cosine(), 5, (5,)),
        (OneCycle(), 5, (5,)),
        (CosineOscillation(), 80, (11, 31, 51, 71, 80)),
        (CosineOscillation(per_epoch=False), 80, (10, 30, 50, 70, 80)),
        (CosineRestarts(), 512, tuple(range(64, 513, 64))),
        (CosineRestarts(period_epochs=4), 10, (4, 8, 10)),
        (CosineRestarts(period_epochs=0.25), 3, (1, 2, 3)),
        (CosineOscillation(half_period_epochs=0.1), 4, (1, 2, 3, 4)),
        (CosineSteps(every_steps=50, half_period=6), 10, (4, 10)),
        (CosineSteps(every_steps=50, half_period=2), 10, (2, 4, 6, 8, 10)),
    ],
)
def test_where_cycles_end(schedule, n_epochs, ends):
    assert schedule.cycle_ends(n_epochs, 100) == ends


@pytest.mark.parametrize(
    "schedule",
    [
        CosineOscillation(half_period_epochs=3),
        CosineOscillation(half_period_epochs=3, per_epoch=False),
        CosineRestarts(period_epochs=3),
        CosineSteps(every_steps=10, half_period=30),
    ],
)
def test_snapshots_fall_after_the_epoch_that_was_trained_at_the_bottom(schedule):
    n_epochs = 24
    factors = [schedule(Place(step, FINE, n_epochs)) for step in range(n_epochs * FINE)]
    for end in schedule.cycle_ends(n_epochs, FINE)[:-1]:
        epoch = factors[(end - 1) * FINE : end * FINE]
        assert min(epoch) == pytest.approx(schedule.floor, abs=1e-3), f"no step of epoch {end} was at the bottom"


def test_a_longer_training_does_not_stretch_a_period():
    for schedule in (CosineOscillation(), CosineRestarts(), CosineSteps(), Steps(), Milestones()):
        assert [schedule(at(e, 100)) for e in range(80)] == [schedule(at(e, 500)) for e in range(80)]
