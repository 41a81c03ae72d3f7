"""What is looked at: the mean over the models that have a say, in units of the clips that it comes from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import rankdata

from earmark.cleaning.calibration import Calibration
from earmark.cleaning.case import Case, Guess
from earmark.cleaning.features import features
from earmark.cleaning.nearest_trusted import near
from earmark.cleaning.ranks import chances, logits
from tests.cleaning.cases import world

CASE = world(40).case
AS_IT_IS = (Calibration(),)


def test_numbers_are_those_of_naive_loops() -> None:
    around = near(CASE, 5)
    made = features(CASE, AS_IT_IS, around)
    z = np.mean([logits(p) for p in CASE.members], axis=0)
    ranks = np.mean([[np.log(rankdata(-row, "min")) for row in p] for p in CASE.members], axis=0)
    odds = np.log(around.share + 0.02) - np.log(1 - around.share + 0.02)
    for number, wanted in enumerate((z, ranks, odds)):
        np.testing.assert_allclose(made.numbers[:, :, number], (wanted - wanted.mean()) / wanted.std(), atol=1e-9)
    assert made.spread == pytest.approx(z.std())
    np.testing.assert_allclose(made.p, chances(z))
    assert made.sure == pytest.approx(np.mean([p.max(axis=1).mean() for p in CASE.members]))
    assert np.array_equal(made.numbers[:, :, 3].mean(axis=1), CASE.labels.sum(axis=1) > 1)
    assert features(CASE, AS_IT_IS, None).numbers.shape[2] == 3


def test_shy_models_look_like_sure_ones() -> None:
    guess = CASE.guesses[0]
    members = chances(0.3 * logits(guess.members) - 2)
    shy = replace(CASE, guesses=(replace(guess, members=members),))
    one, other = (features(case, AS_IT_IS, None) for case in (CASE, shy))
    np.testing.assert_allclose(one.numbers, other.numbers, atol=1e-9)
    assert other.spread == pytest.approx(0.3 * one.spread)


def partly(case: Case, members: np.ndarray) -> Case:
    guess = case.guesses[0]
    return replace(case, guesses=(Guess(guess.scores, guess.p, guess.trusted_p, members),))


def test_who_has_no_say_does_not_count() -> None:
    members = CASE.members.copy()
    members[1:, :10] = np.nan
    members[0, 10:] = np.nan
    found = features(partly(CASE, members), AS_IT_IS, None)
    np.testing.assert_allclose(found.p[:10], CASE.members[0, :10])
    members[:, 3] = np.nan
    silent = features(partly(CASE, members), AS_IT_IS, None)
    np.testing.assert_allclose(silent.p, CASE.guesses[0].p), "where nobody heard a clip, all are heard together"


def test_where_all_is_the_same_nothing_is_divided_by_nothing() -> None:
    same = np.full_like(CASE.members, 0.5)
    assert (features(partly(CASE, same), AS_IT_IS, None).numbers[:, :, :2] == 0).all()
