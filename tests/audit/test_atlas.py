"""The map keeps neighbours together, and neighbours are asked only where they did not see the clip."""

from __future__ import annotations

import numpy as np
import pytest

from earmark.audit.atlas import chart
from earmark.audit.settings import AuditSettings
from tests.audit.conftest import sound

N = 90


@pytest.fixture(scope="module")
def survey(world):
    return world({f"{at:02}": sound(at, 0.2) for at in range(N)}, {"origin": ["curated"] * 60 + ["noisy"] * 30}).survey


LABELS = [("x", "y", "z")[at % 3] for at in range(N)]
OWN = np.arange(N)
HEAPS = np.eye(3, dtype=np.float32)[OWN % 3] * 10 + np.random.default_rng(0).standard_normal((N, 3)).astype(np.float32)


def test_neighbours_in_heaps_agree(survey) -> None:
    atlas = chart(survey, LABELS, OWN, AuditSettings(), embeddings=HEAPS)
    assert atlas.places is not None and atlas.places.shape == (N, 2) and np.isfinite(atlas.places).all()
    found = {(each.learnt, each.judged): each for each in atlas.agreements}
    assert set(found) == {("curated", "curated"), ("curated", "noisy"), ("noisy", "curated"), ("noisy", "noisy")}
    for each in found.values():
        assert each.accuracy > 0.95 and each.on_map > 0.9 and each.commonest == pytest.approx(1 / 3)
    assert found["curated", "noisy"].n_clips == 30
    assert "embeddings" in atlas.made_of


def test_labels_that_mean_nothing_score_like_chance(survey) -> None:
    names = np.random.default_rng(1).permutation(LABELS).tolist()
    atlas = chart(survey, names, OWN, AuditSettings(), embeddings=HEAPS)
    assert all(each.accuracy < 0.6 for each in atlas.agreements)


def test_group_mates_are_not_asked(survey) -> None:
    """Each clip has five twins with its own label: asked, they would be right about everything."""
    twins = np.repeat(np.random.default_rng(0).standard_normal((N // 6, 8)), 6, axis=0).astype(np.float32)
    labels = [f"class {at // 6 % 5}" for at in range(N)]
    split = chart(survey, labels, OWN, AuditSettings(), embeddings=twins).agreements[0]
    whole = chart(survey, labels, OWN // 6, AuditSettings(), embeddings=twins).agreements[0]
    assert split.accuracy > 0.95 > 0.5 > whole.accuracy


def test_statistics_serve_where_there_is_no_network(survey) -> None:
    atlas = chart(survey, [None] * N, OWN, AuditSettings(map_clips=40))
    assert len(atlas.rows) == 40 and atlas.agreements == () and "log-mel" in atlas.made_of
    again = chart(survey, [None] * N, OWN, AuditSettings(map_clips=40))
    assert np.array_equal(atlas.rows, again.rows) and np.array_equal(atlas.places, again.places)


def test_silent_clips_and_clips_without_a_vector_are_not_on_the_map(world) -> None:
    waves = {f"{at:02}": sound(at, 0.2) for at in range(12)} | {"silent": np.zeros(3000)}
    survey = world(waves).survey
    vectors = np.random.default_rng(0).standard_normal((13, 4)).astype(np.float32)
    vectors[0] = np.nan
    atlas = chart(survey, [None] * 13, np.arange(13), AuditSettings(), embeddings=vectors)
    assert 0 not in atlas.rows and survey.ids.index("silent") not in atlas.rows and len(atlas.rows) == 11


def test_too_few_clips_for_a_map(world) -> None:
    survey = world({f"{at}": sound(at, 0.2) for at in range(3)}).survey
    atlas = chart(survey, ["x"] * 3, np.arange(3), AuditSettings())
    assert atlas.places is None and atlas.agreements == ()
