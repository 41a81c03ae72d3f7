"""Who lies near whom: nobody sees itself or its own fold, and each looks around where the network never saw it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from earmark.cleaning.case import trusted_as_doubtful
from earmark.cleaning.nearest_trusted import near
from tests.cleaning.cases import world

CASE = world(150).case


def test_trusted_clips_see_no_clip_of_their_fold() -> None:
    lone = replace(CASE, trusted_folds=np.arange(len(CASE.trusted_ids)))
    found = near(trusted_as_doubtful(lone), 1)
    assert (found.distance > 1e-6).all(), "nobody is their own neighbour"
    whole = trusted_as_doubtful(replace(CASE, trusted_folds=np.zeros(len(CASE.trusted_ids), np.int64)))
    assert (near(whole, 1).share == 0).all(), "all trusted clips are of one fold: nobody is left to see"


def test_each_looks_around_where_the_network_never_saw_it() -> None:
    space = CASE.spaces[0]
    blind = np.zeros_like(space.trusted)
    spaces = tuple(replace(space, fold=fold, trusted=space.trusted if fold == 0 else blind) for fold in range(3))
    found = near(trusted_as_doubtful(replace(CASE, spaces=spaces)), 5)
    told = found.distance[CASE.trusted_folds == 0]
    np.testing.assert_allclose(found.distance[CASE.trusted_folds != 0], 1.0)
    assert (told < 0.9).mean() > 0.9
