"""Meta-models: parity with scikit-learn and with another solver, and what they fall back on where nothing is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from earmark.core.manifest import Targets
from earmark.ensemble.blends.blend import Blend
from earmark.ensemble.blends.geometric import Geometric
from earmark.ensemble.blends.logistic import Logistic
from earmark.ensemble.blends.net import Net
from earmark.ensemble.blends.per_class import PerClass
from earmark.ensemble.nesting import nested
from earmark.metrics import lwlrap
from tests.ensemble.choir import choir

STACKS = [PerClass(), Logistic(), Logistic(of="all", c=0.01), Net(epochs=5, n_nets=1)]


@pytest.mark.parametrize("of", ["own", "all"])
def test_logistic_is_scikit_learns(of: str) -> None:
    one = choir(n=80, n_classes=3)
    members = one.members
    made = Logistic(of=of, c=0.5).fit(members, one.targets)(members).scores  # type: ignore[arg-type]
    every = np.concatenate([members.scores[m] for m in range(3)], axis=1)
    for column in range(3):
        own = np.stack([members.scores[m][:, column] for m in range(3)], axis=1)
        table = StandardScaler().fit_transform(own if of == "own" else every)
        other = LogisticRegression(C=0.5, tol=1e-8, max_iter=5000).fit(table, one.targets.values[:, column])
        np.testing.assert_allclose(made[:, column], other.decision_function(table), atol=2e-3)


def test_per_class_finds_the_least_of_its_loss() -> None:
    one = choir(n=80, n_classes=3)
    members = one.members
    labels, spread = one.targets.values.astype(float), members.scores.std()
    facts = PerClass(pull=2.0).fit(members, one.targets).facts["classes"]
    for column, name in enumerate(members.classes):
        z = members.scores[:, :, column] / spread

        def loss(w: np.ndarray, z: np.ndarray = z, y: np.ndarray = labels[:, column]) -> float:
            total = 0.0
            for row in range(len(y)):
                s = spread * (sum(w[m] * z[m, row] for m in range(3)) + w[3])
                total += np.log1p(np.exp(s)) - y[row] * s
            return total + (((w[:3] - 1 / 3) ** 2).sum() + w[3] ** 2)

        mine = np.array([facts[name][m] for m in "abc"] + [facts[name]["offset"] / spread])
        other = minimize(loss, mine + 0.1, method="BFGS")
        np.testing.assert_allclose(mine, other.x, atol=2e-3)


def test_a_strong_pull_leaves_the_plain_mean() -> None:
    one = choir()
    members = one.members
    made = PerClass(pull=1e9).fit(members, one.targets)(members).scores
    np.testing.assert_allclose(made, Geometric().fit(members)(members).scores, atol=1e-4)


@pytest.mark.parametrize("blend", STACKS, ids=str)
def test_a_class_without_labels_is_defined(blend: Blend) -> None:
    one = choir()
    values, known = one.targets.values.copy(), one.targets.known.copy()
    values[:, 1] = 0
    known[:, 2] = False
    made = blend.fit(one.members, Targets(values, known))(one.members)
    assert np.isfinite(made.scores).all()
    if not isinstance(blend, Net):
        plain = Geometric().fit(one.members)(one.members).scores
        np.testing.assert_allclose(made.scores[:, 1:3], plain[:, 1:3])


@pytest.mark.parametrize("blend", [PerClass(), Logistic()], ids=str)
def test_a_stack_learns_which_member_to_trust_for_which_class(blend: Blend) -> None:
    one = choir((0.8, 0.8), n=300, n_classes=6)
    rng = np.random.default_rng(4)
    members = one.members
    scores = members.scores.copy()
    scores[0][:, :3] = 3 * rng.normal(size=(300, 3))
    scores[1][:, 3:] = 3 * rng.normal(size=(300, 3))
    halves = replace(members, scores=scores)
    plain = lwlrap(one.targets.values, Geometric().fit(halves)(halves).scores)
    stacked = lwlrap(one.targets.values, nested(blend, halves, one.targets).predictions.scores)
    assert stacked > plain + 0.05


def test_the_net_learns_and_is_the_same_each_time() -> None:
    one = choir((0.8, 1.5), n=150, n_classes=4)
    members = one.members
    alone = Net(beside_mean=False, epochs=30, n_nets=1, dropout=0.0)
    made = alone.fit(members, one.targets)(members).scores
    rng = np.random.default_rng(0)
    assert lwlrap(one.targets.values, made) > lwlrap(one.targets.values, rng.random(made.shape)) + 0.3
    assert np.array_equal(made, alone.fit(members, one.targets)(members).scores)
    other = alone.model_copy(update={"seed": 1})
    assert not np.array_equal(made, other.fit(members, one.targets)(members).scores)


def test_the_net_leaves_other_peoples_chance_alone() -> None:
    import torch

    one = choir(n=40)
    before = torch.random.get_rng_state()
    Net(epochs=1, n_nets=1).fit(one.members, one.targets)
    assert torch.equal(before, torch.random.get_rng_state())
