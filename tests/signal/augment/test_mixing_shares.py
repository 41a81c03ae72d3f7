"""Shares: the laws they are drawn by."""

from __future__ import annotations

import pytest
import torch
from pydantic import ValidationError
from scipy.stats import beta, kstest

from earmark.signal.augment.mixing.shares.beta import Beta
from earmark.signal.augment.mixing.shares.fixed import Fixed
from earmark.signal.augment.mixing.shares.share import Share
from earmark.signal.augment.mixing.shares.uniform import Uniform


def of(share: Share, n: int = 4000) -> torch.Tensor:
    return share.draw(n, torch.Generator().manual_seed(0))


@pytest.mark.parametrize("alpha", [0.2, 1.0, 4.0])
def test_beta_is_the_symmetric_law(alpha):
    assert kstest(of(Beta(alpha=alpha)).double().numpy(), beta(alpha, alpha).cdf).pvalue > 0.01


def test_the_larger_part_is_that_of_the_same_draw():
    plain, larger = of(Beta(alpha=0.4)), of(Beta(alpha=0.4, larger=True))
    assert torch.equal(larger, torch.maximum(plain, 1 - plain)) and float(larger.min()) >= 0.5


def test_uniform_is_even_between_its_bounds():
    assert kstest(of(Uniform(low=0.4, high=0.6)).double().numpy(), "uniform", args=(0.4, 0.2)).pvalue > 0.01


def test_fixed_is_always_the_same():
    assert of(Fixed(share=0.7)).unique().tolist() == pytest.approx([0.7])


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"kind": "uniform", "low": 0.6, "high": 0.4}, "low must not be above high, got 0.6 and 0.4"),
        ({"kind": "fixed", "share": 1.0}, "less than 1"),
        ({"kind": "beta", "alpha": 0.0}, "greater than 0"),
        ({"kind": "betta"}, "no share of kind 'betta'; did you mean 'beta'?"),
    ],
)
def test_what_cannot_be_a_share_is_refused(settings, words):
    with pytest.raises(Exception, match=words.replace("?", r"\?")) as raised:
        Share._read(settings)
    assert isinstance(raised.value, ValidationError) or "share" in str(raised.value)
