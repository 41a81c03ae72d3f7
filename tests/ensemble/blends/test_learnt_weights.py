"""Weights learnt on held-out clips: against brute force and known optima, and noise gets next to nothing."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import expit

from earmark.core.errors import DataError, SettingsError
from earmark.core.manifest import Targets
from earmark.ensemble.blends.best_subset import BestSubset
from earmark.ensemble.blends.blend import Blend
from earmark.ensemble.blends.cobyla import Cobyla
from earmark.ensemble.blends.greedy import Greedy
from earmark.ensemble.blends.simplex import Simplex
from earmark.ensemble.weights import ranking
from earmark.metrics import lwlrap
from tests.ensemble.choir import choir, on_link

WEIGHING = [Cobyla(), Simplex(), Simplex(loss="squared"), Simplex(scale="logit"), Greedy(), Greedy(scale="rank")]


@pytest.mark.parametrize("blend", WEIGHING, ids=str)
def test_a_member_that_is_noise_gets_next_to_nothing(blend: Blend) -> None:
    one = choir((1.2, 1.5, np.inf), n=200, n_classes=8)
    weights = blend.fit(one.members, one.targets).facts["weights"]
    assert sum(weights.values()) == pytest.approx(1) and min(weights.values()) >= 0
    assert weights["c"] < 0.1 and weights["a"] > weights["c"] and weights["b"] > weights["c"]


def test_the_score_that_is_searched_is_lwlrap_of_the_mixture() -> None:
    one = choir()
    members = one.members
    score = ranking(members, one.targets, "probability")
    weights = np.array([0.2, 0.5, 0.3])
    naive = np.zeros(members.scores.shape[1:])
    for member, weight in enumerate(weights):
        naive += weight * expit(members.scores[member])
    assert score(weights) == pytest.approx(lwlrap(one.targets.values, naive, ties="expected"), abs=1e-12)


@pytest.mark.parametrize("blend", [Cobyla(), Greedy()], ids=str)
def test_searches_for_lwlrap_come_near_the_best_of_a_fine_grid(blend: Blend) -> None:
    one = choir((1.0, 1.5, 2.5), n=100)
    members = one.members
    score = ranking(members, one.targets, "probability")
    grid = [np.array(w) for w in product(np.linspace(0, 1, 21), repeat=3) if sum(w) > 0]
    best, equal = max(score(w) for w in grid), score(np.ones(3) / 3)
    found = lwlrap(one.targets.values, blend.fit(members, one.targets)(members).scores)
    assert found >= equal and found >= best - 0.01


@pytest.mark.parametrize("blend", [Simplex(), Simplex(loss="squared"), Simplex(scale="logit")], ids=str)
def test_simplex_finds_what_another_solver_finds(blend: Simplex) -> None:
    one = choir()
    members = one.members
    labels = one.targets.values.astype(np.float64)

    def loss(free: np.ndarray) -> float:
        weights = np.exp(free) / np.exp(free).sum()
        mean = np.tensordot(weights, members.scores if blend.scale == "logit" else expit(members.scores), 1)
        if blend.scale == "logit":
            mean = expit(mean)
        if blend.loss == "squared":
            return float(((mean - labels) ** 2).mean())
        return float(-(labels * np.log(mean) + (1 - labels) * np.log1p(-mean)).mean())

    other = minimize(loss, np.zeros(3), method="Nelder-Mead", options={"xatol": 1e-7, "fatol": 1e-12})
    facts = blend.fit(members, one.targets).facts
    assert facts["held_out_loss"] == pytest.approx(other.fun, abs=1e-6)
    mine = np.array(list(facts["weights"].values()))
    np.testing.assert_allclose(mine, np.exp(other.x) / np.exp(other.x).sum(), atol=0.01)


def test_unknown_labels_have_no_say() -> None:
    one = choir()
    members = one.members
    known = np.random.default_rng(0).random(one.targets.known.shape) < 0.7
    lies = np.where(known, one.targets.values, 1 - one.targets.values)
    for blend in (Simplex(), Greedy(n_rounds=3)):
        told = blend.fit(members, Targets(one.targets.values, known)).facts["weights"]
        assert told == blend.fit(members, Targets(lies, known)).facts["weights"]


def test_the_best_subset_is_the_best() -> None:
    one = choir((1.0, 1.2, np.inf, 2.0))
    members = one.members
    found = BestSubset(scale="logit").fit(members, one.targets)
    best = max(
        lwlrap(one.targets.values, members.scores[list(taken)].mean(axis=0), ties="expected")
        for taken in ([i for i in range(4) if number >> i & 1] for number in range(1, 16))
    )
    assert found.facts["held_out_lwlrap"] == pytest.approx(best, abs=1e-12) and found.facts["n_tried"] == 15
    assert found.facts["weights"]["c"] == 0
    assert sum(w > 0 for w in BestSubset(most=1).fit(members, one.targets).facts["weights"].values()) == 1


def test_too_many_subsets_are_refused() -> None:
    one = choir((1.0,) * 10, n=20)
    tables = {f"{name}{i}": table for name, table in one.tables.items() for i in range(2)}
    members = type(one.members).of(tables)
    with pytest.raises(SettingsError, match="20 members have 1048575 subsets"):
        BestSubset().fit(members, one.targets)


def test_learning_is_for_held_out_clips_with_labels() -> None:
    one = choir()
    with pytest.raises(DataError, match="nothing says which fold held out clip 'clip0000'"):
        Cobyla().fit(replace(one.members, folds=None), one.targets)
    with pytest.raises(SettingsError, match="learns from labels, but none came"):
        Cobyla().fit(one.members)
    with pytest.raises(DataError, match="no chances"):
        Simplex().fit(on_link(one.members, "rank"), one.targets)
    with pytest.raises(SettingsError, match="squared loss for chances alone"):
        Simplex(scale="logit", loss="squared").fit(one.members, one.targets)
