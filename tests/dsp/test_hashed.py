"""Hashed numbers: the same everywhere, and as good as drawn ones."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
import torch

from earmark.core.errors import SettingsError
from earmark.dsp.hashed import normal, uniform


def seeds(n: int, seed: int = 0) -> torch.Tensor:
    drawn = torch.randint(-(1 << 31), 1 << 31, (n, 2), generator=torch.Generator().manual_seed(seed))
    return drawn.to(torch.int32)


def by_hand(first: int, second: int, index: int) -> float:
    """One number in Python's own whole numbers, which never overflow."""

    def mixed(x: int) -> int:
        for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B), (16, 1)):
            x = (x ^ (x >> shift)) * factor % 2**32
        return x

    return (mixed(mixed((first + index) % 2**32) ^ (second % 2**32)) >> 8) / 2**24


def test_the_numbers_are_those_of_the_rule_to_the_last_bit():
    rows = torch.tensor([[0, 0], [-1, 1], [2**31 - 1, -(2**31)], [123456789, -987654321]], dtype=torch.int32)
    found = uniform(rows, 50)
    assert found.tolist() == [[by_hand(first, second, i) for i in range(50)] for first, second in rows.tolist()]


def test_a_number_depends_on_its_seed_and_index_only():
    rows = seeds(3)
    for law in (uniform, normal):
        assert torch.equal(law(rows, 1001)[1:2, :37], law(rows[1:2], 37))
        assert law(rows, 0).shape == (3, 0) and law(rows, 1).shape == (3, 1)
    assert torch.equal(rows, seeds(3))


def test_uniform_numbers_are_uniform():
    drawn = uniform(seeds(20), 20000).double().numpy()
    assert drawn.min() >= 0 and drawn.max() < 1
    assert min(scipy.stats.kstest(row, "uniform").pvalue for row in drawn) > 1e-4
    counts = np.histogram(drawn, bins=256, range=(0, 1))[0]
    assert scipy.stats.chisquare(counts).pvalue > 1e-3
    # Pairs of neighbours fill the square as evenly.
    square = np.histogram2d(drawn[:, :-1].ravel(), drawn[:, 1:].ravel(), bins=32, range=[(0, 1), (0, 1)])[0]
    assert scipy.stats.chisquare(square.ravel()).pvalue > 1e-3


def test_every_bit_is_a_fair_coin():
    bits = (uniform(seeds(1), 100_000) * 2**24).long() >> torch.arange(24)[:, None] & 1
    assert float((bits.float().mean(dim=1) - 0.5).abs().max()) < 5 * 0.5 / 100_000**0.5


def test_normal_numbers_are_normal():
    drawn = normal(seeds(20), 20001).double().numpy()
    assert np.isfinite(drawn).all() and abs(drawn).max() < 5.8
    assert min(scipy.stats.kstest(row, "norm").pvalue for row in drawn) > 1e-4
    n = drawn.size
    assert abs(drawn.mean()) < 4 / n**0.5
    assert abs(drawn.var() - 1) < 4 * (2 / n) ** 0.5
    assert abs(scipy.stats.skew(drawn.ravel())) < 4 * (6 / n) ** 0.5
    assert abs(scipy.stats.kurtosis(drawn.ravel())) < 4 * (24 / n) ** 0.5


@pytest.mark.parametrize("law", [uniform, normal])
def test_neighbours_are_strangers_along_a_clip_and_between_clips(law):
    # The seeds of a worst case differ by one, in either word.
    rows = torch.tensor([[5, 7], [6, 7], [5, 8], [6, 8], [-5, 7], [0, 0]], dtype=torch.int32)
    drawn = law(rows, 50000).double().numpy()
    drawn = (drawn - drawn.mean(axis=1, keepdims=True)) / drawn.std(axis=1, keepdims=True)
    chance = 5 / 50000**0.5
    for lag in (1, 2, 3, 4, 64, 4096):
        assert abs((drawn[:, lag:] * drawn[:, :-lag]).mean(axis=1)).max() < chance
        assert abs((drawn[:, lag:] ** 2 * drawn[:, :-lag] ** 2).mean(axis=1) - 1).max() < 10 * chance
    assert abs(np.corrcoef(drawn) - np.eye(6)).max() < chance


def test_more_numbers_than_indices_are_refused():
    with pytest.raises(SettingsError, match=r"a seed has 2\^31 numbers"):
        uniform(seeds(1).to("meta"), (1 << 31) + 1)
