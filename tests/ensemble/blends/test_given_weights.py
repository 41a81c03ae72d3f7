"""Weights that are given: by name, in any proportion, and the published ones."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from earmark.core.errors import DataError, SettingsError
from earmark.core.settings import read
from earmark.ensemble.blends.akiyama_sato import AkiyamaSato
from earmark.ensemble.blends.weighted import GivenWeights
from earmark.ensemble.correlation import Pruning
from earmark.ensemble.members import Members
from tests.ensemble.choir import choir


def test_only_how_weights_compare_counts() -> None:
    members = choir().members
    one = GivenWeights(weights={"a": 1, "b": 2, "c": 1}).fit(members)(members)
    other = GivenWeights(weights={"c": 10, "b": 20, "a": 10}).fit(members)(members)
    assert np.array_equal(one.scores, other.scores)
    p = expit(members.scores)
    np.testing.assert_allclose(expit(one.scores), (p[0] + 2 * p[1] + p[2]) / 4)


def test_weights_and_members_must_agree() -> None:
    members = choir().members
    with pytest.raises(SettingsError, match="member 'c' has no weight"):
        GivenWeights(weights={"a": 1, "b": 1}).fit(members)
    with pytest.raises(SettingsError, match="weight for 'd', but no such member"):
        GivenWeights(weights={"a": 1, "b": 1, "c": 1, "d": 1}).fit(members)
    with pytest.raises(SettingsError, match="must not be negative"):
        read(GivenWeights, {"weights": {"a": -1, "b": 2}})
    with pytest.raises(SettingsError, match="one must be positive"):
        read(GivenWeights, {"weights": {"a": 0}})
    left = GivenWeights(weights={"a": 1, "b": 2, "c": 1}, prune=Pruning(above=-1 + 1e-9)).fit(members)
    assert left.facts["members"] == ["a", "b", "c"] and len(left.stay.kept) == 1


def test_a_blend_is_for_the_members_that_it_was_fitted_to() -> None:
    members = choir().members
    fitted = GivenWeights(weights={"a": 1, "b": 2, "c": 1}).fit(members)
    with pytest.raises(DataError, match="fitted to members a, b, c, but only those that it was fitted to have 'c'"):
        fitted(members.only(["a", "b"]))
    with pytest.raises(DataError, match="only these have 'd'"):
        fitted(Members.of({**choir().tables, "d": choir().tables["a"]}))


def test_the_published_weights_of_six_models() -> None:
    tables = {f"model{i + 1}": table for i, table in enumerate(choir((1.0,) * 6).tables.values())}
    members = Members.of(tables)
    weights = AkiyamaSato().fit(members).facts["weights"]
    assert [round(13 * weights[f"model{i}"]) for i in range(1, 7)] == [3, 4, 3, 1, 1, 1]
    legacy = AkiyamaSato(legacy=True).fit(members).facts["weights"]
    assert [round(13 * legacy[f"model{i}"]) for i in range(1, 7)] == [4, 3, 3, 1, 1, 1]
    three = AkiyamaSato().fit(members.only(["model1", "model2", "model3"])).facts["weights"]
    assert three["model2"] == pytest.approx(0.4)
    with pytest.raises(SettingsError, match=r"member 'a' is none of the six models .*model1=path"):
        AkiyamaSato().fit(choir().members)
