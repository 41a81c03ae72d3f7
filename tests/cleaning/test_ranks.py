"""Agreement of labels with guesses against scikit-learn, and choosing in an order."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import label_ranking_average_precision_score

from earmark.cleaning.ranks import agreement, best_first, mean_log_p, take


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(0, 10_000), st.integers(1, 9))
def test_agreement_is_that_of_scikit_learn(seed: int, n_values: int) -> None:
    rng = np.random.default_rng(seed)
    labels, scores = rng.random((6, 5)) < 0.4, rng.integers(n_values, size=(6, 5)).astype(float)
    wanted = [label_ranking_average_precision_score(a[None], b[None]) for a, b in zip(labels, scores, strict=True)]
    np.testing.assert_allclose(agreement(labels, scores), wanted)


def test_the_mean_log_chance_counts_labels_alike() -> None:
    p = np.array([[0.5, 0.25, 1.0], [0.1, 0.1, 0.1]])
    labels = np.array([[True, True, False], [False, False, False]])
    found = mean_log_p(labels, p)
    np.testing.assert_allclose(found[0], (np.log(0.5) + np.log(0.25)) / 2)
    assert found[1] == -np.inf


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(0, 10_000), st.integers(1, 4), st.integers(1, 12))
def test_quotas_hold_and_are_filled(seed: int, per_class: int, most: int) -> None:
    rng = np.random.default_rng(seed)
    labels, groups = rng.random((30, 4)) < 0.4, rng.integers(3, size=30)
    order = best_first(rng.random(30))
    taken = take(order, labels, most=most, per_class=per_class, groups=groups)
    counts = np.stack([labels[taken & (groups == g)].sum(axis=0) for g in range(3)])
    assert (counts <= per_class).all() and taken.sum() <= most
    if taken.sum() < most:
        for row in np.flatnonzero(~taken):
            assert (counts[groups[row]][labels[row]] >= per_class).any(), "whoever was left out had no room"
    best = order[0]
    assert taken[best]


def test_the_first_key_decides_then_the_next_then_the_name() -> None:
    keys = np.array([1.0, 2, 2, 2]), np.array([9.0, 1, 3, 3])
    assert best_first(*keys).tolist() == [2, 3, 1, 0]
