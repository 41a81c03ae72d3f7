"""lwlrap: parity with a slow loop, with brute force over the orders of ties and with scikit-learn; its laws."""

from __future__ import annotations

import itertools
from functools import reduce
from operator import add
from typing import get_args

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.metrics import label_ranking_average_precision_score

from earmark.core.errors import DataError, SettingsError
from earmark.metrics import LwlrapSums, Ties, clip_lrap, lwlrap, lwlrap_sums, precision_at_labels
from earmark.metrics.ranking import BLOCK_SCORES

RULES: tuple[Ties, ...] = get_args(Ties)


# --- references that are too slow or too plain to ship ---------------------------------------------------------------


def precisions_in(order, labels):
    """The precision at each label of one clip when its classes stand in this order."""
    hits, found = 0, {}
    for rank, column in enumerate(order, start=1):
        if labels[column]:
            hits += 1
            found[column] = hits / rank
    return found


def orders_of(scores, columns):
    """Every order of the columns that sorting by decreasing score allows."""
    groups = [
        [column for column in columns if scores[column] == score]
        for score in sorted({scores[column] for column in columns}, reverse=True)
    ]
    for choice in itertools.product(*(itertools.permutations(group) for group in groups)):
        yield [column for group in choice for column in group]


def slow_precisions(truth, scores, ties, known=None):
    """The precision at each label, by loops over clips, classes and, for `expected`, all orders of the ties."""
    table = np.full(np.shape(scores), np.nan)
    for clip in range(len(scores)):
        columns = [column for column in range(len(scores[clip])) if known is None or known[clip][column]]
        if ties == "pessimistic":
            for column in columns:
                if truth[clip][column]:
                    through = [other for other in columns if scores[clip][other] >= scores[clip][column]]
                    table[clip, column] = sum(bool(truth[clip][other]) for other in through) / len(through)
            continue
        if ties == "expected":
            orders = list(orders_of(scores[clip], columns))
        else:
            sign = 1 if ties == "first" else -1
            orders = [sorted(columns, key=lambda column: (-scores[clip][column], sign * column))]
        found = [precisions_in(order, truth[clip]) for order in orders]
        for column in found[0]:
            table[clip, column] = np.mean([one[column] for one in found])
    return table


@st.composite
def tables(draw, n_levels=4, max_clips=6, max_classes=6):
    """Truth and scores of a few clips and classes; few levels make many ties."""
    shape = (draw(st.integers(1, max_clips)), draw(st.integers(1, max_classes)))
    truth = draw(hnp.arrays(bool, shape))
    scores = draw(hnp.arrays(np.float64, shape, elements=st.integers(0, n_levels - 1).map(float)))
    return truth, scores


@st.composite
def untied_tables(draw):
    """Truth with at least one label, and scores without equal ones in a clip."""
    truth, _ = draw(tables())
    assume(truth.any())
    rows = [draw(st.permutations(range(truth.shape[1]))) for _ in range(len(truth))]
    return truth, np.array(rows, dtype=np.float64)


# --- parity ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ties", RULES)
@given(case=tables(), data=st.data())
@settings(deadline=None, max_examples=60)
def test_precisions_are_those_of_the_slow_loop_with_ties_and_unknowns(ties, case, data):
    truth, scores = case
    known = data.draw(st.none() | hnp.arrays(bool, truth.shape))
    wanted = slow_precisions(truth, scores, ties, known)
    if known is not None:
        wanted[~known] = np.nan
    np.testing.assert_allclose(precision_at_labels(truth, scores, ties=ties, known=known), wanted, rtol=1e-13)


@pytest.mark.parametrize("n_levels", [5, 10**9], ids=["ties", "no ties"])
def test_label_weighted_lrap_of_scikit_learn_is_the_pessimistic_rule(n_levels):
    rng = np.random.default_rng(3)
    truth, scores = rng.random((300, 20)) < 0.1, rng.integers(n_levels, size=(300, 20)).astype(float)
    n_labels = truth.sum(axis=1)
    # scikit-learn gives clips without labels a score of 1; they weigh nothing here.
    theirs = label_ranking_average_precision_score(truth, scores, sample_weight=n_labels)
    assert lwlrap(truth, scores, ties="pessimistic") == pytest.approx(theirs, rel=1e-12)
    tied = n_levels == 5
    assert (abs(lwlrap(truth, scores, ties="reference") - theirs) > 1e-3) is tied


@pytest.mark.parametrize(("above", "tied"), [(0, 1), (0, 80), (3, 7), (70, 10), (0, 1000), (900, 100)])
def test_the_expected_rule_is_exact_for_long_groups_too(above, tied):
    n_labels_above, n_labels_tied = above // 3, max(1, tied // 4)
    scores = np.repeat([1.0, 0.0], [above, tied])[None]
    truth = np.zeros((1, above + tied), dtype=bool)
    truth[0, :n_labels_above] = truth[0, above : above + n_labels_tied] = True
    got = precision_at_labels(truth, scores, ties="expected")[0, above]
    places = np.arange(1, tied + 1)
    others = (n_labels_tied - 1) * (places - 1) / max(tied - 1, 1)
    assert got == pytest.approx(np.mean((n_labels_above + 1 + others) / (above + places)), rel=1e-12)


# --- laws ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ties", RULES)
@given(case=tables())
@settings(deadline=None, max_examples=40)
def test_perfect_scores_give_exactly_one_and_nothing_gives_more(ties, case):
    truth, scores = case
    assume(truth.any())
    assert lwlrap(truth, truth.astype(float), ties=ties) == 1.0
    assert lwlrap(truth, scores + 10 * truth, ties=ties) == 1.0
    assert 0 < lwlrap(truth, scores, ties=ties) <= 1.0


@pytest.mark.parametrize("ties", RULES)
@given(case=tables(), data=st.data())
@settings(deadline=None, max_examples=40)
def test_an_increasing_map_of_each_clip_changes_nothing(ties, case, data):
    truth, scores = case
    scale = data.draw(hnp.arrays(np.float64, (len(truth), 1), elements=st.sampled_from([0.5, 1.0, 8.0])))
    for mapped in (scores * scale - 3, np.exp(scores / scale), np.where(scores == 3, np.inf, scores)):
        np.testing.assert_array_equal(
            precision_at_labels(truth, mapped, ties=ties), precision_at_labels(truth, scores, ties=ties)
        )


@given(case=untied_tables(), data=st.data())
@settings(deadline=None, max_examples=40)
def test_without_ties_all_rules_agree_and_classes_may_be_permuted(case, data):
    truth, scores = case
    order = np.array(data.draw(st.permutations(range(truth.shape[1]))))
    first = precision_at_labels(truth, scores, ties="first")
    for ties in RULES:
        np.testing.assert_array_equal(precision_at_labels(truth, scores, ties=ties), first)
        np.testing.assert_array_equal(
            precision_at_labels(truth[:, order], scores[:, order], ties=ties), first[:, order]
        )


@pytest.mark.parametrize("ties", ["pessimistic", "expected"])
@given(case=tables(), data=st.data())
@settings(deadline=None, max_examples=40)
def test_two_rules_do_not_see_the_order_of_classes_even_with_ties(ties, case, data):
    truth, scores = case
    order = np.array(data.draw(st.permutations(range(truth.shape[1]))))
    np.testing.assert_array_equal(
        precision_at_labels(truth[:, order], scores[:, order], ties=ties),
        precision_at_labels(truth, scores, ties=ties)[:, order],
    )


@given(case=tables())
@settings(deadline=None, max_examples=40)
def test_reference_is_first_with_the_columns_turned_round_and_pessimistic_lets_a_sole_label_come_last(case):
    truth, scores = case
    assume(truth.any())
    by_rule = {ties: precision_at_labels(truth, scores, ties=ties) for ties in RULES}
    turned = precision_at_labels(truth[:, ::-1], scores[:, ::-1], ties="first")[:, ::-1]
    np.testing.assert_array_equal(by_rule["reference"], turned)
    # Only a sole label: one of several can do worse than the group's end, standing before its fellows.
    alone = truth & (truth.sum(axis=1, keepdims=True) == 1)
    for ties in RULES:
        assert (by_rule["pessimistic"][alone] <= by_rule[ties][alone] + 1e-15).all()


@pytest.mark.parametrize("ties", RULES)
@given(case=tables(), n_parts=st.integers(1, 4))
@settings(deadline=None, max_examples=30)
def test_sums_of_batches_are_the_sums_of_the_whole(ties, case, n_parts):
    truth, scores = case
    parts = zip(np.array_split(truth, n_parts), np.array_split(scores, n_parts), strict=True)
    added = reduce(add, (lwlrap_sums(*part, ties=ties) for part in parts), LwlrapSums.zero(truth.shape[1]))
    whole = lwlrap_sums(truth, scores, ties=ties)
    np.testing.assert_allclose(added.precisions, whole.precisions, rtol=1e-13)
    np.testing.assert_array_equal(added.counts, whole.counts)


@given(case=tables(), data=st.data())
@settings(deadline=None, max_examples=30)
def test_an_unknown_class_is_as_if_it_had_not_been_there(case, data):
    truth, scores = case
    hidden = data.draw(st.integers(0, truth.shape[1] - 1))
    known = np.ones(truth.shape, dtype=bool)
    known[:, hidden] = False
    for ties in RULES:
        np.testing.assert_array_equal(
            np.delete(precision_at_labels(truth, scores, ties=ties, known=known), hidden, axis=1),
            precision_at_labels(np.delete(truth, hidden, axis=1), np.delete(scores, hidden, axis=1), ties=ties),
        )


def test_clips_with_no_label_add_nothing_and_clips_with_all_labels_are_perfect():
    scores = np.array([[0.3, 0.1, 0.2], [0.5, 0.5, 0.5], [1.0, 2.0, 3.0]])
    truth = np.array([[0, 0, 0], [1, 1, 1], [1, 0, 0]])
    for ties in RULES:
        assert lwlrap(truth, scores, ties=ties) == pytest.approx((3 + 1 / 3) / 4)
        lrap = clip_lrap(truth, scores, ties=ties)
        np.testing.assert_allclose(lrap, [np.nan, 1.0, 1 / 3])


def test_value_per_class_and_weights_fit_together():
    rng = np.random.default_rng(0)
    truth, scores = rng.random((50, 6)) < 0.3, rng.random((50, 6))
    truth[:, 2] = False
    sums = lwlrap_sums(truth, scores)
    assert np.isnan(sums.per_class[2]) and sums.weights[2] == 0
    assert sums.value == pytest.approx(np.nansum(sums.weights * sums.per_class))
    assert sums.value == pytest.approx(np.nanmean(precision_at_labels(truth, scores)))
    assert sums.weights.sum() == pytest.approx(1)
    np.testing.assert_allclose(clip_lrap(truth, scores), [
        np.mean(row[~np.isnan(row)]) if (~np.isnan(row)).any() else np.nan for row in precision_at_labels(truth, scores)
    ])  # fmt: skip


def test_blocks_of_rows_do_not_show():
    rng = np.random.default_rng(1)
    n_classes = 80
    n_clips = 2 * BLOCK_SCORES // n_classes + 7
    truth, scores = rng.random((n_clips, n_classes)) < 0.02, rng.integers(9, size=(n_clips, n_classes)).astype(float)
    table = precision_at_labels(truth, scores)
    for clip in (0, BLOCK_SCORES // n_classes - 1, BLOCK_SCORES // n_classes, n_clips - 1):
        np.testing.assert_array_equal(table[clip], precision_at_labels(truth[[clip]], scores[[clip]])[0])
    np.testing.assert_array_equal(np.isnan(table), ~truth)


# --- refusals --------------------------------------------------------------------------------------------------------


def test_nan_is_refused_with_how_many_and_where():
    scores = np.zeros((4, 3))
    scores[1, 2] = scores[3, 0] = scores[3, 1] = np.nan
    with pytest.raises(DataError, match=r"3 of 12 are NaN, in 2 of 4 clips, the first in clip 1 at class 2"):
        lwlrap(np.ones((4, 3)), scores)
    with pytest.raises(DataError, match="truth must be numbers"):
        lwlrap(scores, np.zeros((4, 3)))


@pytest.mark.parametrize(
    ("truth", "scores", "known", "words"),
    [
        (np.ones((2, 3)), np.ones((3, 2)), None, r"they are \[2, 3\] and \[3, 2\]"),
        (np.ones(3), np.ones(3), None, r"they are \[3\] and \[3\]"),
        ([[1, 0]], [["high", "low"]], None, "must hold real numbers"),
        ([[1, 0], [1]], [[1, 0], [1]], None, "truth must be a table"),
        ([[1, 0]], [[1.0, 0.0]], [[1, 0]], "table of True and False"),
        ([[1, 0]], [[1.0, 0.0]], [[True]], r"shape \[1, 1\]"),
        ([[0, 0]], [[1.0, 0.0]], None, "at least one label"),
        ([[1, 0]], [[1.0, 0.0]], [[False, True]], "at least one label"),
        (np.ones((0, 3)), np.ones((0, 3)), None, "at least one label"),
    ],
)
def test_what_cannot_be_scored_is_refused_in_words(truth, scores, known, words):
    with pytest.raises(DataError, match=words):
        lwlrap(truth, scores, known=known)


def test_an_unknown_rule_and_sums_of_other_classes_are_refused():
    with pytest.raises(SettingsError, match="reference, first, pessimistic, expected"):
        lwlrap([[1]], [[1.0]], ties="random")  # type: ignore[arg-type]
    with pytest.raises(DataError, match="3 classes and the other 2"):
        LwlrapSums.zero(3) + LwlrapSums.zero(2)
    with pytest.raises(DataError, match="at least one label"):
        _ = LwlrapSums.zero(3).weights
