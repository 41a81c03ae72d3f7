"""A meta-model never sees its own fold, and what it learnt is applied to that fold alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from earmark.core.errors import DataError
from earmark.core.manifest import Targets
from earmark.ensemble.blends.arithmetic import Arithmetic
from earmark.ensemble.blends.blend import Blend
from earmark.ensemble.blends.logistic import Logistic
from earmark.ensemble.nesting import nested
from earmark.metrics import lwlrap
from tests.ensemble.choir import choir

QUICK = {"net": {"epochs": 2, "n_nets": 1, "hidden": 4}, "cobyla": {"n_tries": 20}, "greedy": {"n_rounds": 3}}
LEARNERS = sorted(kind for kind, blend in Blend.members().items() if blend.learns)


@pytest.mark.parametrize("kind", LEARNERS)
def test_labels_of_a_fold_say_nothing_about_its_own_scores(kind: str) -> None:
    one = choir(n=60, n_classes=3)
    members = one.members
    assert members.folds is not None
    blend = Blend.named(kind).model_validate(QUICK.get(kind, {}))
    own = members.folds == 1
    rng = np.random.default_rng(5)
    lies = one.targets.values.copy()
    lies[own] = rng.permuted(lies[own], axis=1)
    plain = nested(blend, members, one.targets).predictions.scores
    told_lies = nested(blend, members, Targets(lies, one.targets.known)).predictions.scores
    assert np.array_equal(plain[own], told_lies[own])
    inside = [
        blend.fit(members, Targets(labels, one.targets.known))(members).scores for labels in (one.targets.values, lies)
    ]
    if kind not in ("best_subset", "greedy"):  # which may choose the same members
        assert not np.array_equal(*inside), "fitted on everything it does hang on these labels, so the test can fail"


def test_members_that_are_noise_beat_chance_on_their_own_clips_only() -> None:
    one = choir((np.inf,) * 6, n=160, n_classes=8, seed=2)
    members, labels = one.members, one.targets.values
    rng = np.random.default_rng(0)
    chance = [lwlrap(labels, rng.random(labels.shape)) for _ in range(200)]
    middle, width = float(np.mean(chance)), float(np.std(chance))
    blend = Logistic(of="all", c=1.0)
    by_heart = lwlrap(labels, blend.fit(members, one.targets)(members).scores)
    honest = lwlrap(labels, nested(blend, members, one.targets).predictions.scores)
    assert by_heart > middle + 10 * width
    assert honest < middle + 4 * width


def test_each_fold_is_scored_by_a_fit_to_the_others() -> None:
    one = choir()
    members = one.members
    assert members.folds is not None
    found = nested(Logistic(), members, one.targets)
    assert sorted(found.fits) == [0, 1, 2, 3]
    for fold in range(4):
        inside = members.folds == fold
        others = Targets(one.targets.values[~inside], one.targets.known[~inside])
        alone = Logistic().fit(members.rows(~inside), others)(members.rows(inside))
        assert np.array_equal(found.predictions.aligned(alone.ids).scores, alone.scores)


def test_what_learns_nothing_needs_no_folds() -> None:
    one = choir()
    members = replace(one.members, folds=None)
    made = nested(Arithmetic(), members, one.targets)
    assert made.fits == {} and np.array_equal(made.predictions.scores, Arithmetic().fit(members)(members).scores)


def test_what_learns_needs_two_folds() -> None:
    one = choir()
    members = one.members
    with pytest.raises(DataError, match="needs the fold that held out each clip"):
        nested(Logistic(), replace(members, folds=None), one.targets)
    with pytest.raises(DataError, match="all 120 clips are of fold 0; train more folds"):
        nested(Logistic(), replace(members, folds=np.zeros(120, np.int64)), one.targets)
