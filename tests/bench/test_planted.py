"""Planted mistakes are those that were asked for, and results are kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench import planted as bench
from bench.planting import NOISES, Noise, plant, rows_of
from earmark.cleaning.judge import judge
from earmark.cleaning.rules.rule import Rule
from tests.cleaning.cases import world

ONE = world(600)
CASE, TRUTH = ONE.case, ONE.truth_of(ONE.case)
INSIDE = TRUTH.any(axis=1)


def test_without_noise_labels_are_the_truth() -> None:
    made = plant(CASE, TRUTH, Noise("none"), {}, 0)
    assert np.array_equal(made.case.labels, made.truth) and len(made.case) == INSIDE.sum()


@pytest.mark.parametrize("law", ["any", "next", "alike"])
def test_wrong_labels_follow_their_law(law: str) -> None:
    alike = {"class 0": ["class 3"], "class 3": ["class 0"]}
    made = plant(CASE, TRUTH, Noise("wrong", wrong=0.4, law=law), alike, 1)  # type: ignore[arg-type]
    lost, got = made.truth & ~made.case.labels, made.case.labels & ~made.truth
    share = lost.sum() / made.truth.sum()
    assert (0.25 if law == "next" else 0.35) < share < 0.45, "where the next one is there too, nothing is replaced"
    single = lost.sum(axis=1) == 1
    pairs = {(int(a.argmax()), int(b.argmax())) for a, b in zip(lost[single], got[single], strict=True) if b.any()}
    if law == "next":
        assert pairs == {(i, (i + 1) % 6) for i in range(6)}
    elif law == "alike":
        assert {b for a, b in pairs if a == 0 and b != 3} <= {1, 2, 4, 5} and (0, 3) in pairs
        only = [(a, b) for a, b in zip(lost[single], got[single], strict=True) if a[0]]
        near = np.mean([b[3] for a, b in only if b.any()])
        assert near > 0.7, "another one only where the clip has both"
    else:
        assert len(pairs) == 30


def test_strangers_are_as_many_as_wanted_and_missing_labels_are_lost() -> None:
    made = plant(CASE, TRUTH, Noise("strangers", strangers=0.3), {}, 0)
    out = ~made.truth.any(axis=1)
    assert abs(out.mean() - 0.3) < 0.01 and (made.case.labels[out].sum(axis=1) == 1).all()
    assert np.array_equal(made.case.labels[~out], made.truth[~out])
    made = plant(CASE, TRUTH, Noise("missing", incomplete=0.8), {}, 0)
    several = made.truth.sum(axis=1) > 1
    assert np.array_equal(made.case.labels[~several], made.truth[~several])
    assert 0.7 < (made.case.labels[several].sum(axis=1) == 1).mean() < 0.9
    assert (made.case.labels <= made.truth).all()


def test_planting_is_repeatable_and_each_seed_another() -> None:
    noise = NOISES[2]
    one, same, other = (plant(CASE, TRUTH, noise, {}, seed).case.labels for seed in (0, 0, 1))
    assert np.array_equal(one, same) and not np.array_equal(one, other)


def test_some_clips_are_judged_as_they_were_among_all() -> None:
    rows = np.arange(0, len(CASE), 3)
    few = rows_of(CASE, rows)
    assert few.ids == CASE.ids[::3] and np.array_equal(few.members, CASE.members[:, ::3])
    rule = Rule.named("top_intersection")()
    assert np.array_equal(rule(few).verdicts, rule(CASE).verdicts[rows])


def test_results_are_kept_and_the_page_tells_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = world(60)
    case, truth = small.case, small.truth_of(small.case)
    noises = (NOISES[0], NOISES[2])
    known = {noise: [bench._scores(case, truth, noise, seed, tmp_path) for seed in (0, 1)] for noise in noises}
    monkeypatch.setattr(bench, "plant", lambda *_: pytest.fail("this was measured before"))
    assert str(bench._scores(case, truth, NOISES[2], 1, tmp_path)) == str(known[NOISES[2]][1])
    monkeypatch.undo()
    text = bench.page(known)
    made = [plant(case, truth, NOISES[2], bench.sounding_alike(), seed) for seed in (0, 1)]
    said = [Rule.named("combined")()(each.case) for each in made]
    scores = [judge(one, each.case.labels, each.truth)["faulty"] for one, each in zip(said, made, strict=True)]
    auroc = np.mean([each.auroc for each in scores])
    true, believed = (line.split("|") for line in text.splitlines()[-2:])
    wrong = [1 - one.p[each.case.labels].mean() for one, each in zip(said, made, strict=True) if one.p is not None]
    assert believed[1].strip() == "combined" and believed[3].strip() == f"{100 * np.mean(wrong):.0f} %"
    assert true[2].strip() == "0 %" and int(true[3].split()[0]) > 20
    row = next(line for line in text.splitlines() if line.startswith("| combined |"))
    assert row.split("|")[3].strip() == f"{auroc:.3f}" and row.split("|")[2].strip() == "–", "nothing is wrong there"
    assert all(f"| {kind} |" in text for kind in Rule.members())
    assert "nothing wrong: 0 of" in text and "Means over 2 plantings" in text


def test_generated_sounds_have_classes_that_sound_alike() -> None:
    alike = bench.sounding_alike()
    assert any(alike.values()) and all(name not in others for name, others in alike.items())
    assert all(name in alike[other] for name, others in alike.items() for other in others)
