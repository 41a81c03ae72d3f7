"""What a sweep of the learning rate suggests, on curves whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from earmark.core.errors import SettingsError
from earmark.core.settings import read
from earmark.schedules.schedule import Place, Schedule
from earmark.stages.find_lr import RangeTest, Sweep, judged, smoothed, told

RATES = np.geomspace(1e-6, 1.0, 121)


def falling(steepest: float, least: float) -> np.ndarray:
    """A loss that falls around one rate and rises behind another."""
    x = np.log10(RATES)
    return 2 - 1 / (1 + np.exp(-4 * (x - np.log10(steepest)))) + 3 * np.maximum(0, x - np.log10(least)) ** 2


@pytest.mark.parametrize("noise", [0.0, 0.02])
@pytest.mark.parametrize(("steepest", "least"), [(1e-3, 1e-1), (1e-4, 1e-2)])
def test_the_steepest_and_the_least_are_found_through_noise(steepest, least, noise):
    losses = falling(steepest, least) + noise * np.random.default_rng(0).standard_normal(121)
    found = judged(RATES, losses, 121)
    assert found.steepest is not None and found.tenth is not None
    assert abs(np.log10(found.steepest / steepest)) < (0.06 if noise == 0 else 0.3)
    assert abs(np.log10(found.tenth * 10 / least)) < (0.35 if noise == 0 else 0.5)


def test_a_loss_that_only_rises_suggests_nothing():
    found = judged(RATES, np.linspace(1, 2, 121), 121)
    assert found.steepest is None and found.tenth is None
    assert "no rate is suggested" in list(told(found))[-1]


def test_smoothing_moves_nothing_and_keeps_lines():
    line = np.linspace(3, 1, 101)
    np.testing.assert_allclose(smoothed(line, 101)[15:-15], line[15:-15])
    peak = np.zeros(101)
    peak[40] = 1
    assert int(np.argmax(smoothed(peak, 101))) == 40
    np.testing.assert_allclose(smoothed(np.full(30, 0.7), 100), 0.7)


def test_the_sweep_is_exponential_and_no_member_of_the_family():
    sweep = Sweep(lowest=1e-4, highest=1e2)
    np.testing.assert_allclose([sweep(Place(i, 1, 7)) for i in range(7)], 10.0 ** np.arange(-4, 3))
    assert "sweep" not in Schedule.members()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"lowest": 1e-2, "highest": 1e-3}, "must rise"),
        ({"lowest": 0}, "greater than 0"),
        ({"highest": float("inf")}, "finite"),
        ({"steps": 5}, "20"),
    ],
)
def test_sweeps_that_are_none(data, words):
    with pytest.raises(SettingsError, match=words):
        read(RangeTest, data, what="the sweep")
