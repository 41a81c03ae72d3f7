"""Mixtures are the means that they are called after, without the ties that rounding makes."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
from scipy.special import expit, softmax
from scipy.stats import gmean, rankdata

from earmark.core.errors import DataError
from earmark.core.predictions import Predictions
from earmark.ensemble.members import Members
from earmark.ensemble.scales import Scale, linear, mixed, tied
from tests.ensemble.choir import choir, on_link

WEIGHTS = np.array([0.5, 0.2, 0.3])


def weighted_loop(values: np.ndarray) -> np.ndarray:
    total = np.zeros(values.shape[1:])
    for member, weight in enumerate(WEIGHTS):
        for row in range(values.shape[1]):
            for column in range(values.shape[2]):
                total[row, column] += weight * values[member, row, column]
    return total


def test_mixtures_against_loops() -> None:
    members = choir(n=20).members
    p = expit(members.scores)
    scores, link = mixed(members, WEIGHTS, "probability")
    assert link == "logit"
    np.testing.assert_allclose(expit(scores), weighted_loop(p), rtol=1e-12)
    np.testing.assert_allclose(
        expit(mixed(members, WEIGHTS, "log_probability").scores), gmean(p, axis=0, weights=WEIGHTS[:, None, None])
    )
    np.testing.assert_allclose(mixed(members, WEIGHTS, "logit").scores, weighted_loop(members.scores))
    ranks = np.stack([[rankdata(row) / len(row) for row in table] for table in members.scores])
    scores, link = mixed(members, WEIGHTS, "rank")
    assert link == "rank"
    np.testing.assert_allclose(scores, weighted_loop(ranks))


def test_standardised_is_the_mean_of_z_scores_at_the_members_level() -> None:
    members = choir(n=20).members
    z = (members.scores - members.scores.mean(axis=2, keepdims=True)) / members.scores.std(axis=2, keepdims=True)
    scores = mixed(members, WEIGHTS, "standardised").scores
    wanted = weighted_loop(z)
    for row in range(20):
        assert np.array_equal(np.argsort(scores[row]), np.argsort(wanted[row]))
    np.testing.assert_allclose(scores.mean(axis=1), WEIGHTS @ members.scores.mean(axis=2), atol=1e-9)
    louder = Members.of(
        {"a": members.table("a"), "b": Predictions(members.ids, members.classes, 100 * members.scores[1])}
    )
    quiet = members.only(["a", "b"])
    half = np.array([0.5, 0.5])
    for row in range(20):
        order = np.argsort(mixed(quiet, half, "standardised").scores[row])
        assert np.array_equal(order, np.argsort(mixed(louder, half, "standardised").scores[row])), (
            "loudness is no voice"
        )


@pytest.mark.parametrize("scale", get_args(Scale))
def test_searches_see_the_order_of_the_mixture(scale: Scale) -> None:
    members = choir(n=30).members
    searched = np.tensordot(WEIGHTS, linear(members, scale), 1)
    searched = tied(searched) if scale == "rank" else searched
    made = mixed(members, WEIGHTS, scale).scores
    assert np.array_equal(np.argsort(searched, axis=1), np.argsort(made, axis=1))


@pytest.mark.parametrize("scale", get_args(Scale))
def test_one_member_keeps_its_order_and_extreme_logits_do_not_tie(scale: Scale) -> None:
    logits = np.array([[-800.0, -50.0, -1.0, 0.5, 36.0, 37.0, 50.0, 60.0]])
    table = Predictions(("x",), tuple("abcdefgh"), logits)
    made = mixed(Members.of({"a": table, "b": table}), np.array([0.5, 0.5]), scale).scores
    assert (np.diff(made) > 0).all() and np.isfinite(made).all()


def test_equal_mean_ranks_are_equal_to_the_last_bit() -> None:
    members = choir(n=200, n_classes=8).members
    third = np.full(3, 1 / 3)
    made = mixed(members, third, "rank").scores
    whole = rankdata(members.scores, axis=2).sum(axis=0)
    for mine, sums in zip(made, whole, strict=True):
        assert np.array_equal(rankdata(mine), rankdata(sums))
    assert any(len(set(sums)) < 8 for sums in whole.tolist()), "some of them are equal"


def test_every_link_but_ranks_can_be_mixed_as_chances() -> None:
    members = choir(n=10).members
    by_chance = on_link(members, "probability")
    for scale in ("probability", "log_probability", "logit", "standardised"):
        np.testing.assert_allclose(mixed(by_chance, WEIGHTS, scale).scores, mixed(members, WEIGHTS, scale).scores)
    softmaxed = Members.of(
        {
            name: Predictions(members.ids, members.classes, members.table(name).scores, "softmax_logit")
            for name in members.names
        }
    )
    np.testing.assert_allclose(
        expit(mixed(softmaxed, WEIGHTS, "probability").scores), weighted_loop(softmax(members.scores, axis=2))
    )
    with pytest.raises(DataError, match="ranks within their clips, which are no chances"):
        mixed(on_link(members, "rank"), WEIGHTS, "probability")
    assert mixed(on_link(members, "rank"), WEIGHTS, "rank").link == "rank"


def test_certainty_in_a_table_of_chances_stays_finite() -> None:
    sure = Predictions(("x",), ("a", "b", "c"), np.array([[0.0, 1.0, 0.5]]), "probability")
    members = Members.of({"a": sure, "b": sure})
    for scale in get_args(Scale):
        made = mixed(members, np.array([0.5, 0.5]), scale).scores
        assert np.isfinite(made).all() and made[0, 1] > made[0, 2] > made[0, 0]
