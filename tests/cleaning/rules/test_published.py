"""The published rules: by naive loops as they were published, and by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.stats import rankdata

from earmark.cleaning.case import Case, Guesses
from earmark.cleaning.opinion import Opinion
from earmark.cleaning.ranks import threshold_for
from earmark.cleaning.rules.geometric_mean import GeometricMean
from earmark.cleaning.rules.random_best50 import RandomBest50
from earmark.cleaning.rules.relabelling import FullMatch, RelabelAll, RelabelAllMerge, RelabelAllReplaceNan
from earmark.cleaning.rules.scoring import Scoring
from earmark.cleaning.rules.select_and_predict import SelectAndPredict
from earmark.cleaning.rules.top_intersection import TopIntersection
from earmark.core.errors import SettingsError
from earmark.core.manifest import Manifest
from earmark.core.predictions import Predictions
from earmark.data.sources.fsdkaggle2019 import FSDKaggle2019
from tests.cleaning.cases import case_of, world

LETTERS = {0: ".", 1: "k", 2: "d", 3: "a", 4: "u", 5: "o"}


def words(opinion: Opinion) -> list[str]:
    """A letter a class, a word a clip: k(eep), d(rop), a(dd), u(nknown), o(ut of vocabulary)."""
    return ["".join(LETTERS[int(v)] for v in row) for row in opinion.verdicts]


HAND = case_of(
    {"n1": ["Bark"], "n2": ["Meow", "Rain"], "n3": ["Tap"], "n4": ["Bark"]},
    {
        "n1": [0.9, 0.6, 0.1, 0.1],
        "n2": [0.1, 0.8, 0.7, 0.2],
        "n3": [0.7, 0.2, 0.1, 0.1],
        "n4": [0.3, 0.2, 0.2, 0.1],
    },
)
"""Above 0.5: Bark, Meow of n1; both labels of n2; Bark of n3, whose label comes last, beside another; nothing of n4."""


def test_scoring_by_hand() -> None:
    # Ranking precisions: 1, 1, 1/4 (two classes tie for the last place), 1. Mean log chances: n1, then n2, then n4.
    assert words(Scoring(k=2)(HAND)) == ["k...", ".kk.", "...u", "u..."]
    assert words(Scoring(k=3)(HAND)) == ["k...", ".kk.", "...u", "k..."]
    assert Scoring(k=2)(HAND).seen["lrap"].tolist() == [1, 1, 0.25, 1]
    assert Scoring(k=2)(HAND).seen["place"].tolist() == [1, 2, 4, 3]
    assert words(Scoring(k=3, per_class=1)(HAND)) == ["k...", ".kk.", "...k", "u..."], "n1 takes the place for Bark"
    assert words(Scoring(k=1, legacy_all_but_k=True)(HAND)) == ["k...", ".kk.", "...u", "k..."]


def test_equal_clips_are_taken_by_name() -> None:
    same = {name: [0.9, 0.1, 0.1, 0.1] for name in ("n3", "n1", "n2")}
    assert words(Scoring(k=2)(case_of({name: ["Bark"] for name in same}, same))) == ["k...", "k...", "u..."]


def test_thresholds_by_hand() -> None:
    half = {"expected": 1.25}  # five chances above the threshold in four clips: 0.6 to 0.9
    assert 0.3 <= threshold_for(HAND.guesses[0].p, 1.25) < 0.6
    assert words(FullMatch(**half)(HAND)) == ["u...", ".kk.", "...u", "u..."]
    assert words(RelabelAll(**half)(HAND)) == ["ka..", ".kk.", "a..d", "u..."]
    assert words(RelabelAllReplaceNan(**half)(HAND)) == ["ka..", ".kk.", "a..d", "u..."]
    assert words(RelabelAllReplaceNan(**half, empty="given")(HAND)) == ["ka..", ".kk.", "a..d", "k..."]
    assert words(RelabelAllMerge(**half)(HAND)) == ["ka..", ".kk.", "a..k", "k..."]


def test_select_and_predict_by_hand() -> None:
    found = SelectAndPredict(k=1, expected=1.25)(HAND)
    assert words(found) == ["k...", ".kk.", "a..d", "u..."], "n1 keeps its label, the others get what is above"
    assert found.slices is None


def test_top_intersection_by_hand() -> None:
    assert words(TopIntersection(n=1)(HAND)) == ["k...", ".kd.", "...u", "k..."]
    assert words(TopIntersection(n=2)(HAND)) == ["k...", ".kk.", "...u", "k..."]
    assert words(TopIntersection(n=1, legacy_unwritten=True)(HAND)) == ["k...", ".kk.", "...k", "k..."]


def test_geometric_mean_by_hand() -> None:
    labels = {"n1": ["Bark"], "n2": ["Bark"], "n3": ["Meow"], "n4": ["Bark"]}
    one = {"n1": [0.9, 0.1, 0.2, 0.3], "n2": [0.8, 0.1, 0.2, 0.3], "n3": [0.3, 0.2, 0.1, 0], "n4": [0.1, 0.4, 0.3, 0.2]}
    # n3: 1/2 by both; n4: 1/4 by one and 1 by the other, whose geometric mean is 1/2
    other = {**one, "n4": [0.9, 0.1, 0.2, 0.3]}
    case = case_of(labels, one, other)
    assert GeometricMean()(case).seen["geometric mean"] == pytest.approx([1, 1, 0.5, 0.5])
    assert words(GeometricMean()(case)) == ["k...", "k...", ".k..", "k..."]
    assert words(GeometricMean(least=0.6)(case)) == ["k...", "k...", ".u..", "u..."]
    assert words(GeometricMean(per_fold_and_class=1)(case)) == ["k...", "u...", ".k..", "u..."]
    folded = case_of(labels, one, other, folds={"n1": 0, "n2": 1, "n3": 0, "n4": 1})
    assert words(GeometricMean(per_fold_and_class=1)(folded)) == ["k...", "k...", ".k..", "u..."]


def test_each_fold_may_have_its_own_clips() -> None:
    folds = {"n1": 0, "n2": 1, "n3": 0, "n4": 1}
    case = case_of(
        {"n1": ["Bark"], "n2": ["Bark"], "n3": ["Tap"], "n4": ["Tap"]}, {n: [0.4, 0.3, 0.2, 0.1] for n in folds}
    )
    assert Scoring(k=2)(case).slices is None
    folded = case_of({n: ["Bark"] for n in folds}, {n: [0.4, 0.3, 0.2, 0.1] for n in folds}, folds=folds)
    for rule in (Scoring, SelectAndPredict):
        own, shared = rule(k=2, share_noisy=False)(folded).slices, rule(k=2, share_noisy=True)(folded).slices
        assert own is not None and own.tolist() == [0, 1, 0, 1]
        assert shared is not None and shared.tolist() == [-1] * 4
    with pytest.raises(SettingsError, match="4 of 4 noisy clips are in no fold"):
        Scoring(k=2, share_noisy=False)(case)


def published_scores(labels: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Ranking precision, clip by clip, with scipy's ranks."""
    found = []
    for has, row in zip(labels, scores, strict=True):
        relevant = np.flatnonzero(has)
        if len(relevant) in (0, len(row)):
            found.append(1.0)
        else:
            rank, among = rankdata(-row, "max")[relevant], rankdata(-row[relevant], "max")
            found.append(float((among / rank).mean()))
    return np.array(found)


def published_threshold(p: np.ndarray, expected: float) -> float:
    points = np.linspace(0, 1, 10_000)
    return float(points[np.argmin([abs((p > t).sum(-1).mean() - expected) for t in points])])


@pytest.mark.parametrize("digits", [1, 2, 9])
@pytest.mark.parametrize("seed", range(3))
def test_scores_and_thresholds_are_those_of_naive_loops(seed: int, digits: int) -> None:
    rng = np.random.default_rng(seed)
    p = np.round(rng.random((40, 7)) ** 3, digits)
    labels = rng.random(p.shape) < 0.3
    labels[0], labels[1] = True, False
    ids = [f"n{i:02d}" for i in range(40)]
    classes = tuple("abcdefg")
    case = _case(ids, classes, labels, p)
    found = Scoring(k=10)(case)
    wanted = published_scores(labels, p)
    some = labels.any(axis=1)
    np.testing.assert_allclose(found.seen["lrap"][some], wanted[some], atol=1e-12)
    assert (found.seen["lrap"][~some] == -1).all(), "clips without labels agree with anything, and come last"
    kept = (found.verdicts == 1).any(axis=1)
    assert kept.sum() == 10 and wanted[kept].min() >= wanted[~kept & some].max()
    for expected in (0.5, 1.2, 3.0):
        threshold = published_threshold(p, expected)
        assert threshold_for(p, expected) == threshold
        new = p > threshold
        verdicts = RelabelAll(expected=expected)(case).verdicts
        used = new.any(axis=1)
        assert np.array_equal(np.isin(verdicts, (1, 3))[used], new[used])
        assert (verdicts[~used & labels.any(axis=1)].max(axis=1) == 4).all()


def _case(ids: list[str], classes: tuple[str, ...], labels: np.ndarray, p: np.ndarray) -> Case:
    said = [(ids[i], classes[j]) for i, j in np.argwhere(labels)]
    manifest = Manifest.of(
        pl.DataFrame({"id": ids, "file": ids, "origin": ["noisy"] * len(ids)}),
        pl.DataFrame(said, schema=["clip", "label"], orient="row"),
        classes=classes,
    )
    table = Predictions(tuple(ids), classes, p, "probability", provenance={"out_of_fold": True})
    return Case.of(manifest, [Guesses((table,))])


def test_random_choice_looks_at_nothing_and_is_repeatable() -> None:
    case = world(60).case
    one, other = RandomBest50(per_class=4)(case), RandomBest50(per_class=4, seed=1)(case)
    assert np.array_equal(one.verdicts, RandomBest50(per_class=4)(case).verdicts)
    assert not np.array_equal(one.verdicts, other.verdicts)
    drawn, single = one.seen["drawn"], case.labels.sum(axis=1) == 1
    assert drawn.sum() == 4 * len(case.classes) and not drawn[~single].any()
    many = RandomBest50(per_class=50)(case).seen["drawn"]
    assert many.max() > 1, "with replacement, as the published table was drawn"
    whole = RandomBest50(per_class=50, replacement=False)(case)
    assert np.array_equal(whole.seen["drawn"] > 0, single) and whole.seen["drawn"].max() == 1


def test_the_real_noisy_table(shared_data: Path) -> None:
    manifest = FSDKaggle2019(form="kaggle", check_files=False).read(shared_data / "fsdkaggle2019_meta")
    noisy = manifest.where(origin="noisy")
    values = noisy.targets().values
    rng = np.random.default_rng(0)
    p = 1 / (1 + np.exp(-(2.0 * values - 3 + rng.normal(size=values.shape))))
    table = Predictions(noisy.ids, manifest.classes, p, "probability", provenance={"out_of_fold": True})
    case = Case.of(manifest, [Guesses((table,))])
    assert case.labels.sum() == 24000 and len(case) == 19815
    found = Scoring(k=1000)(case)
    kept = (found.verdicts == 1).any(axis=1)
    assert kept.sum() == 1000 and (found.seen["lrap"] == 1).sum() > 1000, "ties that only a tie-break can part"
    best = RandomBest50()(case)
    assert best.seen["drawn"].sum() == 4000, "fifty draws of each of eighty classes"
    assert abs((p > threshold_for(p, 1.2)).sum(axis=1).mean() - 1.2) < 0.01
