"""Laws of predictions: rows and columns go by name, NaN stays outside, links keep the order of scores."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from earmark.core.errors import DataError
from earmark.core.predictions import Link, Predictions, pooled

IDS, CLASSES = ("a.wav", "b.wav", "c.wav"), ("Bark", "Meow", "Rain", "Tap")
SCORES = arrays(np.float64, (3, 4), elements=st.floats(-30, 30))


def predictions(scores: object = None, link: Link = "logit", **more: object) -> Predictions:
    values = np.random.default_rng(0).normal(size=(3, 4)) if scores is None else np.asarray(scores)
    return Predictions(IDS, CLASSES, values, link, **more)  # type: ignore[arg-type]


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.permutations(IDS), st.permutations(CLASSES), st.integers(1, 3), st.integers(1, 4))
def test_alignment_goes_by_name(ids: list[str], classes: list[str], n: int, k: int) -> None:
    whole = predictions(folds=np.array([2, 0, 1]))
    part = whole.aligned(ids, classes).aligned(ids[:n], classes[:k])
    assert (part.ids, part.classes) == (tuple(ids[:n]), tuple(classes[:k]))
    for i, name in enumerate(part.ids):
        assert part.folds is not None and part.folds[i] == [2, 0, 1][IDS.index(name)]
        for j, label in enumerate(part.classes):
            assert part.scores[i, j] == whole.scores[IDS.index(name), CLASSES.index(label)]
    again = whole.aligned(ids, classes).aligned(IDS, CLASSES)
    assert np.array_equal(again.scores, whole.scores)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(SCORES)
def test_logits_and_probabilities_turn_into_each_other(scores: np.ndarray) -> None:
    logits = predictions(scores)
    chances = logits.on("probability")
    assert chances.link == "probability" and (chances.scores >= 0).all() and (chances.scores <= 1).all()
    assert np.allclose(chances.on("logit").scores, scores, atol=1e-3)
    assert np.allclose(chances.on("logit").on("probability").scores, chances.scores, rtol=1e-9)
    assert logits.on("logit") is logits


@settings(max_examples=60, deadline=None, derandomize=True)
@given(SCORES)
def test_softmax_gives_chances_that_sum_to_one(scores: np.ndarray) -> None:
    chances = predictions(scores, "softmax_logit").on("probability").scores
    assert np.allclose(chances.sum(axis=1), 1)
    shifted = predictions(scores + 100, "softmax_logit").on("probability").scores
    assert np.allclose(chances, shifted)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(SCORES)
def test_ranks_keep_order_and_ties(scores: np.ndarray) -> None:
    ranks = predictions(scores).on("rank").scores
    assert (ranks > 0).all() and (ranks <= 1).all()
    for row, rank in zip(scores, ranks, strict=True):
        assert (np.less.outer(row, row) == np.less.outer(rank, rank)).all()


def test_certain_probabilities_become_finite_logits() -> None:
    logits = predictions([[0, 1, 0.5, 1e-300]] * 3, "probability").on("logit").scores
    assert np.isfinite(logits).all() and (np.diff(logits[0, [0, 3, 2, 1]]) > 0).all()


@pytest.mark.parametrize(
    ("link", "other"),
    [
        ("rank", "logit"),
        ("rank", "probability"),
        ("logit", "softmax_logit"),
        ("softmax_logit", "logit"),
        ("probability", "softmax_logit"),
    ],
)
def test_there_is_no_way_where_there_is_no_law(link: Link, other: Link) -> None:
    with pytest.raises(DataError, match=f"'{link}' cannot be put on '{other}'"):
        predictions(np.full((3, 4), 0.5), link).on(other)


def test_pooled_parts_are_the_whole() -> None:
    whole = predictions(folds=np.array([0, 0, 1]), provenance={"run": "x"})
    parts = whole.aligned(IDS[:2]), whole.aligned(IDS[2:], CLASSES[::-1])
    pool = pooled(parts)
    assert (pool.ids, pool.classes, pool.link) == (IDS, CLASSES, "logit")
    assert np.array_equal(pool.scores, whole.scores)
    assert pool.folds is not None and pool.folds.tolist() == [0, 0, 1]
    assert pool.provenance == {"pooled": [{"run": "x"}, {"run": "x"}]}
    assert np.array_equal(pooled([whole]).scores, whole.scores)


def test_pooling_refuses_other_links_and_overlaps_and_marks_rows_without_fold() -> None:
    whole = predictions(folds=np.array([0, 0, 1]))
    with pytest.raises(DataError, match="only scores on one link"):
        pooled([whole, whole.on("probability")])
    with pytest.raises(DataError, match=r"'a\.wav' comes 2 times"):
        pooled([whole, whole.aligned(IDS[:1])])
    mixed = pooled([whole.aligned(IDS[:2]), predictions().aligned(IDS[2:])])
    assert mixed.folds is not None and mixed.folds.tolist() == [0, 0, -1]
    assert pooled([predictions()]).folds is None


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("folds", [None, np.array([1, -1, 0])])
def test_a_table_holds_all_of_it(dtype: type, folds: np.ndarray | None) -> None:
    one = predictions(np.random.default_rng(1).normal(size=(3, 4)).astype(dtype), folds=folds, provenance={"run": "x"})
    other = Predictions.from_table(one.to_table(), one.facts)
    assert (other.ids, other.classes, other.link, other.provenance) == (one.ids, one.classes, "logit", {"run": "x"})
    assert other.scores.dtype == dtype and np.array_equal(other.scores, one.scores)
    assert (folds is None and other.folds is None) or (other.folds is not None and np.array_equal(other.folds, folds))


def test_tables_of_others_are_understood_or_refused() -> None:
    table = pl.DataFrame({"id": ["a"], "Bark": [1], "Meow": [0.5]})
    assert Predictions.from_table(table, link="probability").scores.tolist() == [[1, 0.5]]
    with pytest.raises(DataError, match="need a column 'fname'"):
        Predictions.from_table(table.rename({"id": "name"}))
    with pytest.raises(DataError, match="'Bark' holds String"):
        Predictions.from_table(table.with_columns(Bark=pl.lit("x")))
    with pytest.raises(DataError, match="1 scores are empty"):
        Predictions.from_table(table.with_columns(Bark=pl.lit(None, pl.Float64)))


@pytest.mark.parametrize(
    ("make", "fault"),
    [
        (
            lambda: predictions([[np.nan, 0, 0, 0]] + [[0] * 4] * 2),
            r"1 scores are NaN, first for clip 'a\.wav' and class 'Bark'",
        ),
        (lambda: predictions([[0] * 4] * 2), "need as many scores"),
        (lambda: predictions([[2] * 4] * 3, "probability"), r"must lie in \[0, 1\], got 2 to 2"),
        (lambda: predictions(link="logits"), "got 'logits'"),  # type: ignore[arg-type]
        (lambda: Predictions(("a", "a"), ("x",), np.zeros((2, 1))), "'a' comes 2 times"),
        (lambda: Predictions(("a",), ("x", "x"), np.zeros((1, 2))), "each class must be named once"),
        (lambda: Predictions(("a",), ("x", "fold"), np.zeros((1, 2))), "a class cannot be called 'fold'"),
        (lambda: predictions().aligned(["a.wav", "d.wav", "e.wav"]), "no prediction for clip 'd.wav' and 1 more"),
        (lambda: predictions().aligned(IDS, ["Brak"]), "class 'Brak'; did you mean 'Bark'"),
    ],
)
def test_what_is_no_prediction_is_refused(make: object, fault: str) -> None:
    with pytest.raises(DataError, match=fault):
        make()  # type: ignore[operator]


def test_infinite_scores_are_scores() -> None:
    ranks = predictions([[-np.inf, 0, np.inf, 1]] * 3).on("rank").scores
    assert ranks[0].tolist() == [0.25, 0.5, 1.0, 0.75]
