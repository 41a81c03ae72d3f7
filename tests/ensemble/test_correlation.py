"""Correlation is Pearson's, and of members that are alike the better one stays."""

from __future__ import annotations

import numpy as np
import pytest

from earmark.core.predictions import Predictions
from earmark.ensemble.correlation import Pruning, correlations, pruned
from earmark.ensemble.members import Members
from earmark.metrics import lwlrap
from tests.ensemble.choir import Choir, choir


def with_twin() -> Choir:
    """Three members, and a slightly worse copy ``A`` of the best one, whose name comes first."""
    one = choir()
    best = one.tables["a"]
    noise = np.random.default_rng(9).normal(size=best.scores.shape)
    twin = Predictions(best.ids, best.classes, best.scores + 0.4 * noise, folds=best.folds)
    return Choir({**one.tables, "A": twin}, one.targets)


def test_it_is_numpys() -> None:
    members = choir().members
    flat = members.scores.reshape(3, -1)
    np.testing.assert_allclose(correlations(members), np.corrcoef(flat), rtol=1e-12)


def test_a_member_that_says_nothing_correlates_with_nobody() -> None:
    one = choir()
    same = Predictions(one.tables["a"].ids, one.tables["a"].classes, np.ones_like(one.tables["a"].scores))
    found = correlations(Members.of({"a": one.tables["a"], "same": same}))
    assert np.array_equal(found, np.eye(2))


def test_of_two_alike_the_better_stays() -> None:
    one = with_twin()
    members = one.members
    assert lwlrap(one.targets.values, members.table("a").scores) > lwlrap(one.targets.values, members.table("A").scores)
    found = pruned(members, Pruning(above=0.9), one.targets)
    assert found.kept == ("a", "b", "c") and found.dropped.keys() == {"A"}
    other, value = found.dropped["A"]
    assert other == "a" and value == pytest.approx(correlations(members)[0, 1])
    assert pruned(members, Pruning(above=0.9)).kept == ("A", "b", "c"), "without labels the first by name stays"
    assert pruned(members, Pruning(above=1.0), one.targets).kept == members.names
    assert pruned(members, Pruning(above=-0.99), one.targets).kept == ("a",), "one always stays"


def test_no_two_that_stay_are_too_much_alike() -> None:
    rng = np.random.default_rng(1)
    one = choir()
    tables = {
        f"m{i}": Predictions(t.ids, t.classes, t.scores + rng.normal(size=t.scores.shape), folds=t.folds)
        for i, t in enumerate([*one.tables.values()] * 3)
    }
    members = Members.of(tables)
    kept = pruned(members, Pruning(above=0.8), one.targets).kept
    matrix = correlations(members.only(kept))
    assert 1 <= len(kept) < 9 and (matrix[~np.eye(len(kept), dtype=bool)] <= 0.8).all()
