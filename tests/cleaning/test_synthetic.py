"""Spoiling trusted labels: what was done is known, what is forgotten is gone, and nobody's truth is asked."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from earmark.cleaning.nearest_trusted import near
from earmark.cleaning.synthetic import SpoilSettings, confusions, spoiled, trusted_as_doubtful
from tests.cleaning.cases import world

ONE = world(150)
CASE = ONE.case


def test_what_is_spoiled_is_known() -> None:
    made = spoiled(CASE, SpoilSettings(wrong=0.3, incomplete=0.2, out=0.3, rounds=3))
    given, truth, hidden = made.case.labels, made.truth, made.case.hidden
    assert len(made.case) == 3 * len(CASE.trusted_ids) and len(set(made.case.ids)) == len(made.case)
    own = CASE.trusted_labels[made.case.places]
    assert (
        (truth <= own).all() and np.array_equal(made.out, ~truth.any(axis=1)) and np.array_equal(made.out, hidden >= 0)
    )
    assert given.any(axis=1).all(), "every clip has something to judge"
    wrong = (given & ~truth).any(axis=1) & ~made.out
    incomplete = ~(given & ~truth).any(axis=1) & (truth & ~given).any(axis=1)
    assert 0.2 < wrong.mean() < 0.4 and incomplete.mean() > 0.02 and 0.1 < made.out.mean() < 0.35
    forgotten = np.flatnonzero(made.out)
    assert (own[forgotten].sum(axis=1) == 1).all() and own[forgotten, hidden[forgotten]].all()
    p = made.case.guesses[0].p
    assert (p[forgotten, hidden[forgotten]] == p[forgotten].min(axis=1)).all()
    assert not (given & ~truth & own & ~made.out[:, None]).any(), "a wrong label is none of the clip's own"


def test_it_is_repeatable_and_nothing_is_spoiled_unasked() -> None:
    one, same, other = (spoiled(CASE, SpoilSettings(seed=seed)) for seed in (0, 0, 1))
    assert np.array_equal(one.case.labels, same.case.labels) and not np.array_equal(one.case.labels, other.case.labels)
    whole = spoiled(CASE, SpoilSettings(wrong=0, incomplete=0, out=0, rounds=1))
    assert np.array_equal(whole.case.labels, whole.truth) and np.array_equal(whole.truth, CASE.trusted_labels)


def test_wrong_labels_are_those_that_models_confuse() -> None:
    table = confusions(CASE)
    np.testing.assert_allclose(table.sum(axis=1), 1)
    assert (np.diag(table) == 0).all()


def test_trusted_clips_see_no_clip_of_their_fold_and_none_of_a_forgotten_class() -> None:
    lone = replace(CASE, trusted_folds=np.arange(len(CASE.trusted_ids)))
    as_doubtful = trusted_as_doubtful(lone)
    found = near(as_doubtful, 1)
    assert (found.distance > 1e-6).all(), "nobody is their own neighbour"
    whole = trusted_as_doubtful(replace(CASE, trusted_folds=np.zeros(len(CASE.trusted_ids), np.int64)))
    assert (near(whole, 1).share == 0).all(), "all trusted clips are of one fold: nobody is left to see"
    made = spoiled(CASE, SpoilSettings(out=1.0, wrong=0, incomplete=0, rounds=1))
    share = near(made.case, 10).share
    forgets = np.flatnonzero(made.out)
    assert (share[forgets, made.case.hidden[forgets]] == 0).all()


def test_each_looks_around_where_the_network_never_saw_it() -> None:
    space = CASE.spaces[0]
    blind = np.zeros_like(space.trusted)
    spaces = tuple(replace(space, fold=fold, trusted=space.trusted if fold == 0 else blind) for fold in range(3))
    found = near(trusted_as_doubtful(replace(CASE, spaces=spaces)), 5)
    told = found.distance[CASE.trusted_folds == 0]
    np.testing.assert_allclose(found.distance[CASE.trusted_folds != 0], 1.0)
    assert (told < 0.9).mean() > 0.9
