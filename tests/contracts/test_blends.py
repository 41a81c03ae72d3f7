"""What every blend promises: one table for many, whatever order they are listed in, and one member is itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from earmark.core.errors import DataError, SettingsError
from earmark.core.predictions import Predictions
from earmark.core.settings import Settings, read
from earmark.ensemble.blends.blend import Blend
from earmark.ensemble.class_scores import ClassScores
from earmark.ensemble.correlation import Pruning
from earmark.ensemble.members import Members
from earmark.metrics import lwlrap
from tests.ensemble.choir import choir

SETTINGS = {
    "weighted": {"weights": {"a": 3, "b": 2, "c": 1}},
    "akiyama_sato": {"models": ["a", "b", "c", "d", "e", "f"]},
    "net": {"epochs": 5, "n_nets": 1, "hidden": 8},
    "cobyla": {"n_tries": 60},
}
KINDS = sorted(Blend.members())
STACKS = {"per_class", "logistic", "net"}
"""Blends that make scores anew instead of averaging."""


def of(kind: str, **changes: object) -> Blend:
    return Blend.named(kind).model_validate({**SETTINGS.get(kind, {}), **changes})


@pytest.mark.parametrize("kind", KINDS)
def test_it_makes_one_table_of_the_same_clips(kind: str) -> None:
    one = choir()
    members = one.members
    made = of(kind).fit(members, one.targets)(members)
    assert (made.ids, made.classes) == (members.ids, members.classes)
    assert np.isfinite(made.scores).all() and np.array_equal(made.folds, members.folds)  # type: ignore[arg-type]
    chances = lwlrap(one.targets.values, np.random.default_rng(0).random(made.scores.shape))
    assert lwlrap(one.targets.values, made.scores) > chances + 0.2


@pytest.mark.parametrize("kind", KINDS)
def test_the_order_of_files_clips_and_classes_plays_no_part(kind: str) -> None:
    one = choir()
    members, other = one.members, one.shuffled(7)
    here = of(kind).fit(members, one.targets)
    there = of(kind).fit(other, one.targets_for(other))
    np.testing.assert_allclose(
        here(members).scores, there(other).aligned(members.ids, members.classes).scores, atol=1e-6
    )


@pytest.mark.parametrize("kind", KINDS)
def test_one_member_is_itself(kind: str) -> None:
    one = choir((1.0,))
    blend = of(kind, weights={"a": 2.0}) if kind == "weighted" else of(kind)
    made = blend.fit(one.members, one.targets)(one.members)
    assert made.link == "logit" and np.array_equal(made.scores, one.members.scores[0])


@pytest.mark.parametrize("kind", sorted(set(KINDS) - STACKS))
def test_a_member_that_is_there_thrice_keeps_its_order(kind: str) -> None:
    one = choir((1.0,))
    members = Members.of(dict.fromkeys("abc", one.tables["a"]))
    made = of(kind).fit(members, one.targets)(members)
    assert np.array_equal(np.argsort(made.scores, axis=1), np.argsort(members.scores[0], axis=1))


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_fitted_goes_for_other_clips(kind: str) -> None:
    one, other = choir(), choir(seed=8)
    fitted = of(kind).fit(one.members, one.targets)
    unseen = Members.of({name: replace(t, folds=None) for name, t in other.tables.items()})
    scores = fitted(unseen).scores
    some = np.zeros(len(unseen.ids), np.bool_)
    some[5:9] = True
    np.testing.assert_allclose(fitted(unseen.rows(some)).scores, scores[some], atol=1e-6)
    assert lwlrap(other.targets.values, scores) > 0.5


@pytest.mark.parametrize("kind", KINDS)
def test_extreme_scores_stay_finite_and_apart(kind: str) -> None:
    one = choir()
    loud = {name: replace(table, scores=40 * table.scores) for name, table in one.tables.items()}
    members = Members.of(loud)
    scores = of(kind).fit(members, one.targets)(members).scores
    assert np.isfinite(scores).all()
    if kind in ("geometric", "standardised", "best_subset"):  # a mean of chances that are all 0 or 1 must have ties
        assert all(len(set(row)) == len(row) for row in scores.tolist())


@pytest.mark.parametrize("kind", KINDS)
def test_pruning_and_footing_go_before_any_blend(kind: str) -> None:
    one = choir()
    twin = replace(one.tables["a"], scores=one.tables["a"].scores * 1.01)
    members = Members.of({**one.tables, "d": twin})
    settings = {"weights": dict.fromkeys("abcd", 1.0)} if kind == "weighted" else {}
    blend = of(kind, prune=Pruning(above=0.999), normalise=ClassScores(), **settings)
    assert blend.is_fitted
    fitted = blend.fit(members, one.targets)
    assert fitted.stay.kept == ("a", "b", "c") and fitted.facts["dropped"].keys() == {"d"}
    assert np.isfinite(fitted(members).scores).all()


@pytest.mark.parametrize("kind", KINDS)
def test_a_learner_says_what_it_lacks_and_others_need_nothing(kind: str) -> None:
    one = choir()
    blend = of(kind)
    unfolded = replace(one.members, folds=None)
    if not type(blend).learns:
        assert not blend.is_fitted
        assert np.array_equal(
            blend.fit(unfolded)(unfolded).scores, blend.fit(one.members, one.targets)(unfolded).scores
        )
        return
    assert blend.is_fitted
    with pytest.raises(SettingsError, match=f"blend '{kind}' learns from labels"):
        blend.fit(one.members)
    with pytest.raises(DataError, match=f"blend '{kind}' learns on held-out clips alone"):
        blend.fit(unfolded, one.targets)


@pytest.mark.parametrize("kind", KINDS)
def test_its_facts_are_plain_data(kind: str) -> None:
    import json

    one = choir()
    facts = of(kind).fit(one.members, one.targets).facts
    assert json.loads(json.dumps(facts)) == facts and facts["members"] == ["a", "b", "c"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_recipe_can_name_it(kind: str) -> None:
    class Wrapped(Settings):
        blend: Blend

    given = {"kind": kind, **SETTINGS.get(kind, {})}
    assert read(Wrapped, {"blend": given}).blend == of(kind)


def test_ranks_can_be_blended_as_ranks_alone() -> None:
    one = choir()
    ranked = Members.of({name: table.on("rank") for name, table in one.tables.items()})
    assert of("rank").fit(ranked)(ranked).link == "rank"
    for kind in ("arithmetic", "geometric", "per_class"):
        with pytest.raises(DataError, match="--how rank"):
            of(kind).fit(ranked, one.targets)(ranked)


def test_predictions_hold_no_nan() -> None:
    with pytest.raises(DataError, match="NaN"):
        Predictions(("x",), ("a",), np.array([[np.nan]]))
