"""Sets that are alike cannot be told apart, planted differences can, and by what was planted."""

from __future__ import annotations

import numpy as np
import pytest

from earmark.audit import adversary
from earmark.audit.adversary import ALL, FEWEST_CLIPS, tell_apart
from earmark.audit.settings import AuditSettings
from tests.audit.conftest import sound

SETTINGS = AuditSettings(n_resamples=100)
HALVES = {"origin": ["curated", "noisy"] * 60}


@pytest.fixture(autouse=True)
def few_trees(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(adversary._TREES, "max_iter", 15)


def alone(survey) -> np.ndarray:
    return np.arange(len(survey))


@pytest.fixture(scope="module")
def alike(world):
    return world({f"{at:03}": sound(at, 0.3) for at in range(120)}, HALVES).survey


def test_sets_of_one_kind_cannot_be_told_apart(alike) -> None:
    (verdict,) = tell_apart(alike, alone(alike), SETTINGS)
    assert (verdict.a, verdict.b) == ("curated", "noisy")
    assert list(verdict.auc) == [ALL, "length", "level", "silence", "spectrum", "unrest"]
    assert verdict.auc[ALL].low < 0.55 < verdict.auc[ALL].high and verdict.auc[ALL].value < 0.66
    assert verdict.auc["length"].value == pytest.approx(0.5)  # all equally long: a constant tells nothing
    assert sorted(verdict.scores["id"]) == sorted(alike.ids)
    assert verdict.scores["score"].is_sorted()


def test_a_planted_difference_is_told_by_what_was_planted(world) -> None:
    waves = {f"{at:03}": sound(at, 0.3, 0.1 if at % 2 else 0.05) for at in range(120)}
    survey = world(waves, HALVES).survey
    (verdict,) = tell_apart(survey, alone(survey), SETTINGS)
    assert verdict.auc[ALL].value > 0.95 < verdict.auc["level"].value
    assert verdict.auc["spectrum"].value < 0.7 and verdict.auc["unrest"].value < 0.7
    assert "level (RMS)" in [each.feature for each in verdict.telling[:3]]
    assert verdict.telling[0].delta > 0.9
    ends = verdict.scores["set"].to_list()[:50], verdict.scores["set"].to_list()[-50:]
    assert ends[0].count("curated") >= 45 and ends[1].count("noisy") >= 45


def test_members_of_a_group_do_not_tell_on_one_another(world) -> None:
    """Recordings, each heard three times: known by heart they betray their set, unheard they do not."""
    waves, origins, groups = {}, [], []
    for recording in range(64):
        for take in range(3):
            waves[f"{recording:02} {take}"] = sound(recording, 0.3) * (1 + 0.01 * take)
            origins.append("curated" if recording % 2 else "noisy")
            groups.append(recording)
    survey = world(waves, {"origin": origins}).survey
    by_heart = tell_apart(survey, alone(survey), SETTINGS)[0].auc[ALL].value
    unheard = tell_apart(survey, np.array(groups), SETTINGS)[0].auc[ALL].value
    assert by_heart > 0.99 and unheard < 0.75


def test_embeddings_are_one_more_group(alike) -> None:
    is_noisy = (alike.table["set"] == "noisy").to_numpy()
    vectors = np.random.default_rng(0).standard_normal((len(alike), 4)).astype(np.float32)
    vectors[:, 2] += 5 * is_noisy
    (verdict,) = tell_apart(alike, alone(alike), SETTINGS, embeddings=vectors)
    assert verdict.auc["embedding"].value > 0.95 and verdict.auc["spectrum"].value < 0.7


def test_small_sets_are_not_compared_and_large_ones_are_sampled(alike, world) -> None:
    few = world({f"{at:02}": sound(at, 0.2) for at in range(40)}, {"origin": ["curated"] * 31 + ["noisy"] * 9})
    assert tell_apart(few.survey, alone(few.survey), SETTINGS) == ()
    together = np.arange(len(alike)) // 8  # fifteen groups
    assert FEWEST_CLIPS > 15 and tell_apart(alike, together, SETTINGS) == ()
    (verdict,) = tell_apart(alike, alone(alike), AuditSettings(adversary_clips=30, n_resamples=100))
    assert verdict.scores.height == 60


def test_the_same_settings_give_the_same_verdict(alike) -> None:
    one, other = (tell_apart(alike, alone(alike), SETTINGS)[0] for _ in range(2))
    assert one.auc == other.auc and one.scores.equals(other.scores)
