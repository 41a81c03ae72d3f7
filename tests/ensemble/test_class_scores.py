"""Classes on one footing: what each way does, by whose scores, and that it can be worth something."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import logit
from scipy.stats import rankdata

from earmark.ensemble.blends.geometric import Geometric
from earmark.ensemble.class_scores import ClassScores
from earmark.ensemble.nesting import nested
from earmark.metrics import lwlrap
from tests.ensemble.choir import choir


def test_each_way_does_what_it_says() -> None:
    members = choir().members
    standard = ClassScores(how="standard").learn(members)(members)
    np.testing.assert_allclose(standard.scores.mean(axis=1), 0, atol=1e-12)
    np.testing.assert_allclose(standard.scores.std(axis=1), 1)
    ranged = ClassScores(how="range").learn(members)(members)
    assert ranged.link == "probability"
    assert (ranged.scores.min(axis=1) == 0).all() and (ranged.scores.max(axis=1) == 1).all()
    quantiles = ClassScores(how="quantile").learn(members)(members)
    wanted = rankdata(members.scores, axis=1) / (len(members.ids) + 1)
    np.testing.assert_allclose(quantiles.scores, wanted)


def test_held_out_scores_say_where_a_class_lies_unless_told_otherwise() -> None:
    members = choir().members
    higher = replace(members, scores=members.scores + 5)
    by_held_out = ClassScores().learn(members)(higher)
    assert by_held_out.scores.mean() > 1
    by_themselves = ClassScores(by="themselves").learn(members)(higher)
    np.testing.assert_allclose(by_themselves.scores.mean(axis=1), 0, atol=1e-12)


@pytest.mark.parametrize("how", ["standard", "range", "quantile"])
def test_it_undoes_what_favours_a_class(how: str) -> None:
    one = choir((1.0, 1.2))
    members = one.members
    tilted = replace(members, scores=members.scores + np.array([0.0, 6.0, -3.0, 0.0, 2.0]))
    plain = lwlrap(one.targets.values, nested(Geometric(), tilted, one.targets).predictions.scores)
    levelled = lwlrap(
        one.targets.values,
        nested(Geometric(normalise=ClassScores(how=how)), tilted, one.targets).predictions.scores,  # type: ignore[arg-type]
    )
    assert levelled > plain + 0.2


def test_a_class_whose_scores_never_change_is_left_at_one_place() -> None:
    members = choir().members
    flat = members.scores.copy()
    flat[:, :, 0] = logit(0.2)
    for how in ("standard", "range", "quantile"):
        made = ClassScores(how=how).learn(replace(members, scores=flat))(replace(members, scores=flat))  # type: ignore[arg-type]
        assert np.isfinite(made.scores).all() and np.ptp(made.scores[:, :, 0]) == 0
