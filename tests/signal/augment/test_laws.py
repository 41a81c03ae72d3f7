"""What is drawn follows the laws it names."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
import torch

from earmark.signal.augment.laws import beta, hits, partners, uniform


def chance(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("alpha", [0.3, 1.0, 8.0])
def test_beta_numbers_follow_the_beta_law(alpha):
    drawn = beta(alpha, 4000, chance()).double().numpy()
    assert np.isfinite(drawn).all() and drawn.min() >= 0 and drawn.max() <= 1
    assert scipy.stats.kstest(drawn, scipy.stats.beta(alpha, alpha).cdf).statistic < 0.03


def test_beta_numbers_stay_numbers_when_nearly_all_lie_at_the_ends():
    drawn = beta(1e-3, 1000, chance())
    assert bool(((drawn >= 0) & (drawn <= 1)).all())
    assert float(((drawn < 0.01) | (drawn > 0.99)).float().mean()) > 0.98


def test_rows_do_not_depend_on_how_many_there_are():
    assert torch.equal(beta(0.4, 10, chance())[:3], beta(0.4, 3, chance()))


def test_hits_never_and_always():
    assert not hits(0.0, 1000, chance()).any()
    assert hits(1.0, 1000, chance()).all()
    assert float(hits(0.2, 10000, chance()).float().mean()) == pytest.approx(0.2, abs=0.02)


def test_uniform_numbers_fill_their_range():
    drawn = uniform(-6.0, 12.0, 10000, chance())
    assert -6 <= float(drawn.min()) < -5.9 and 11.9 < float(drawn.max()) <= 12


@pytest.mark.parametrize("n", [1, 2, 3, 50])
def test_partners_are_others_and_nobody_serves_twice(n):
    partner = partners(n, chance())
    assert sorted(partner.tolist()) == list(range(n))
    assert n == 1 or not bool((partner == torch.arange(n)).any())
