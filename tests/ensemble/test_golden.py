"""Blends of another system's real scores of FSDKaggle2019, against means made by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.stats import gmean, rankdata

from earmark.data.tables import read_predictions
from earmark.ensemble.blends.arithmetic import Arithmetic
from earmark.ensemble.blends.blend import Blend
from earmark.ensemble.blends.geometric import Geometric
from earmark.ensemble.blends.rank import Rank
from earmark.ensemble.correlation import correlations
from earmark.ensemble.members import Members
from earmark.metrics import lwlrap

SINGLE = {"v1": 0.555433, "v2": 0.554792, "v3": 0.565186}


@pytest.fixture(scope="module")
def golden(shared_data: Path) -> tuple[Members, np.ndarray]:
    """Three submissions for the 1120 Public clips, and the right labels."""
    folder = shared_data / "fsdkaggle2019_meta"
    members = Members.of(
        {
            name: read_predictions(folder / "golden_predictions" / f"submission_{name}.csv", link="probability")
            for name in SINGLE
        }
    )
    answers = pl.read_csv(folder / "test_post_competition.csv").filter(pl.col("usage") == "Public")
    labels = {clip: set(text.split(",")) for clip, text in answers.select("fname", "labels").iter_rows()}
    return members, np.array([[name in labels[clip] for name in members.classes] for clip in members.ids])


def test_members_keep_their_published_scores(golden: tuple[Members, np.ndarray]) -> None:
    members, truth = golden
    for name, table in zip(members.names, members.scores, strict=True):
        assert lwlrap(truth, table, ties="first") == pytest.approx(SINGLE[name], abs=1e-6)


@pytest.mark.parametrize(
    ("blend", "by_hand"),
    [
        (Arithmetic(), lambda p: p.mean(axis=0)),
        (Geometric(of="chances"), lambda p: gmean(np.maximum(p, np.finfo(float).tiny), axis=0)),
        (Rank(), lambda p: rankdata(p, axis=2).mean(axis=0)),
    ],
    ids=["arithmetic", "geometric", "rank"],
)
def test_blends_score_what_means_by_hand_score(golden: tuple[Members, np.ndarray], blend: Blend, by_hand) -> None:
    members, truth = golden
    made = blend.fit(members)(members).scores
    wanted = by_hand(members.scores)
    assert lwlrap(truth, made, ties="expected") == pytest.approx(lwlrap(truth, wanted, ties="expected"), abs=1e-6)
    if not isinstance(blend, Rank):
        assert lwlrap(truth, made) > max(SINGLE.values()), "three models are better than the best of them"


def test_they_are_alike_but_not_the_same(golden: tuple[Members, np.ndarray]) -> None:
    matrix = correlations(golden[0], "probability")
    assert (matrix[~np.eye(3, dtype=bool)] < 0.999).all() and (matrix > 0.5).all()
