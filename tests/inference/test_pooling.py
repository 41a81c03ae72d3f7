"""Takes become clips: each pool against its plain formula, and what holds for all of them."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
from scipy.special import expit, logit, softmax

from earmark.inference.pooling import Pool, pooled

Z = np.array([[1.5, -2.0, 0.1], [0.3, 4.0, -3.0], [-1.0, 0.5, 2.0], [0.0, -0.7, 1.1]], np.float32)
WEIGHTS = (3.0, 1.0, 0.5, 2.0)
every_pool = pytest.mark.parametrize("pool", get_args(Pool))


def plainly(pool: str, weights: np.ndarray) -> np.ndarray:
    """The formula as it is written, for numbers that are not large."""
    w, z = (weights / weights.sum())[:, None], Z.astype(np.float64)
    return {
        "mean": (w * z).sum(0),
        "probability": logit((w * expit(z)).sum(0)),
        "geometric": logit(np.prod(expit(z) ** w, axis=0)),
        "softmax": np.log((w * softmax(z, axis=1)).sum(0)),
        "max": z.max(0),
    }[pool]


@every_pool
@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_every_pool_is_its_formula(pool, weights):
    wanted = plainly(pool, np.ones(4) if weights is None else np.array(weights))
    np.testing.assert_allclose(pooled(Z, pool, weights), wanted, rtol=1e-6, atol=1e-6)
    assert pooled(Z, pool, weights).dtype == np.float32


@every_pool
def test_one_take_stays_as_it_is_and_order_and_units_of_weights_mean_nothing(pool):
    assert np.array_equal(pooled(Z[:1], pool), Z[0])
    backwards = pooled(Z[::-1], pool, WEIGHTS[::-1])
    np.testing.assert_allclose(backwards, pooled(Z, pool, WEIGHTS), rtol=1e-6)
    np.testing.assert_allclose(pooled(Z, pool, [7 * w for w in WEIGHTS]), pooled(Z, pool, WEIGHTS), rtol=1e-6)


@every_pool
def test_takes_that_agree_give_what_they_say(pool):
    same = pooled(np.repeat(Z[1:2], 5, axis=0), pool)
    if pool == "softmax":  # up to a number that all classes share
        same = same - same[0] + Z[1, 0]
    np.testing.assert_allclose(same, Z[1], rtol=1e-5, atol=1e-5)


@every_pool
def test_sure_scores_stay_apart_and_finite(pool):
    sure = np.array([[300.0, 40.0, 39.0, -300.0], [280.0, 41.0, 39.5, -310.0]], np.float32)
    found = pooled(sure, pool)
    assert np.isfinite(found).all()
    assert found[0] > found[3] and found[1] > found[2] > found[3]


def test_the_means_differ_and_lie_where_they_must():
    mean, geometric, probability, highest = (pooled(Z, p) for p in ("mean", "geometric", "probability", "max"))
    assert (geometric <= probability + 1e-6).all() and (probability <= highest).all()
    assert np.abs(mean - probability).max() > 0.1
