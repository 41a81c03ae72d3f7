"""Tables: agreement with the metrics and with loops, what cannot be computed, and how it is written."""

from __future__ import annotations

import math

import numpy as np
import pytest

from earmark.core.errors import DataError
from earmark.core.predictions import Predictions
from earmark.metrics import average_precision, clip_lrap, lwlrap, lwlrap_sums, mean_average_precision
from earmark.reports.report import ClassTable, ConfusionTable
from earmark.reports.tables import (
    classes_as_text,
    confusions,
    per_class_table,
    score_row,
    scores_as_text,
    text_table,
    worst_clips,
)

CLASSES = ["Bark", "Meow", "Bell", "Rain", "Never"]


def test_a_score_row_holds_the_metrics_inside_their_intervals(evaluated):
    case = evaluated(CLASSES)
    row = score_row("test", case.truth, case.scores, n_resamples=200)
    assert (row.part, row.n_clips, row.n_labels) == ("test", 60, int(case.truth.sum()))
    assert row.lwlrap.value == lwlrap(case.truth, case.scores)
    assert row.map.value == mean_average_precision(case.truth, case.scores)
    assert row.lwlrap.low < row.lwlrap.value < row.lwlrap.high
    assert row == score_row("test", case.truth, case.scores, n_resamples=200)


def test_the_tie_rule_and_the_mask_reach_the_metrics():
    truth, scores, known = [[0, 1, 1], [1, 0, 0]], np.zeros((2, 3)), np.array([[True, True, False], [True, True, True]])
    row = score_row("test", truth, scores, known=known, ties="expected", n_resamples=20)
    assert row.n_labels == 2
    assert row.lwlrap.value == lwlrap(truth, scores, known=known, ties="expected")


@pytest.mark.parametrize("labelled", [1, 2])
def test_one_labelled_clip_has_a_value_without_an_interval(labelled):
    truth, scores = np.zeros((4, 3)), np.arange(12.0).reshape(4, 3)
    truth[:labelled, 0] = 1
    row = score_row("few", truth, scores, n_resamples=50)
    assert row.lwlrap.value == lwlrap(truth, scores)
    assert math.isnan(row.lwlrap.low) == math.isnan(row.map.high) == (labelled == 1)


def test_clips_of_one_group_are_one_source():
    truth, scores = np.eye(3), np.eye(3)
    assert math.isnan(score_row("one recording", truth, scores, groups=["a", "a", "a"]).lwlrap.low)
    assert not math.isnan(score_row("two", truth, scores, groups=["a", "a", "b"], n_resamples=50).lwlrap.low)
    table = per_class_table(["a", "b", "c"], truth, scores, groups=["a", "a", "a"])
    assert np.isnan(table.low).all() and (table.lwlrap == 1).all()


def test_no_label_is_no_score():
    row = score_row("empty", np.zeros((3, 2)), np.zeros((3, 2)))
    assert row.lwlrap is None and row.map is None and row.n_labels == 0
    assert "–" in scores_as_text([row]) and "nan" not in scores_as_text([row])


def test_bad_input_is_refused():
    with pytest.raises(DataError, match="NaN"):
        score_row("test", [[1, 0]], [[np.nan, 0]])
    with pytest.raises(DataError, match="one group a clip"):
        score_row("test", np.eye(3), np.eye(3), groups=["a", "b"])


def test_the_class_table_agrees_with_the_metrics(evaluated):
    case = evaluated(CLASSES)
    table = per_class_table(case.classes, case.truth, case.scores, n_resamples=100)
    np.testing.assert_array_equal(table.n_labels, case.truth.sum(axis=0))
    np.testing.assert_array_equal(table.lwlrap, lwlrap_sums(case.truth, case.scores).per_class)
    np.testing.assert_array_equal(table.average_precision, average_precision(case.truth, case.scores))
    assert np.isnan([table.lwlrap[-1], table.low[-1], table.high[-1], table.average_precision[-1]]).all()
    assert (table.low[:-1] <= table.lwlrap[:-1]).all() and (table.lwlrap[:-1] <= table.high[:-1]).all()


def test_classes_are_ordered_by_lwlrap_then_name_and_unlabelled_ones_come_last():
    nan = float("nan")
    values = np.array([0.5, nan, 0.9, 0.5])
    table = ClassTable(("b", "x", "c", "a"), np.array([1, 0, 1, 1]), values, values, values, values)
    assert [table.classes[row] for row in table.order] == ["c", "a", "b", "x"]
    with pytest.raises(DataError, match="4 classes"):
        ClassTable(("b", "x", "c", "a"), np.array([1, 0, 1]), values, values, values, values)


def test_confusions_agree_with_a_loop(evaluated):
    case = evaluated(CLASSES, n_clips=25)
    known = np.random.default_rng(1).random(case.truth.shape) < 0.8
    table = confusions(case.classes, case.truth, case.scores, known)
    expected = np.zeros((5, 5), int)
    for truth, scores, seen in zip(case.truth, case.scores, known, strict=True):
        for label in np.flatnonzero(truth & seen):
            for other in np.flatnonzero(~truth & seen):
                expected[label, other] += scores[other] > scores[label]
    np.testing.assert_array_equal(table.counts, expected)
    np.testing.assert_array_equal(table.n_labels, (case.truth & known).sum(axis=0))
    assert not table.counts.diagonal().any()


def test_perfect_scores_have_no_confusions():
    assert not confusions(["a", "b", "c"], np.eye(3), np.eye(3)).counts.any()


def test_confusion_rows_name_the_most_frequent_first():
    counts = np.array([[0, 2, 2, 9], [0, 0, 0, 0], [5, 6, 0, 7], [0, 1, 0, 0]])
    rows = ConfusionTable(("d", "c", "b", "a"), np.array([10, 4, 8, 1]), counts).rows(n_above=2)
    assert [row.label for row in rows] == ["b", "d", "a"]
    assert rows[1].above == (("a", 9), ("b", 2))
    assert rows[1].n_labels == 10


def test_the_worst_clips_have_the_lowest_precision_and_ties_go_by_name():
    scores = np.array([[3.0, 2, 1], [1, 2, 3], [1, 2, 3], [3, 2, 1], [0, 0, 9]])
    truth = np.array([[1, 0, 0], [1, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 0]])
    predictions = Predictions(("e", "d", "a", "b", "c"), ("x", "y", "z"), scores)
    worst = worst_clips(predictions, truth, 3, n_top=1)
    assert [clip.id for clip in worst] == ["a", "d", "b"]
    assert [clip.lrap for clip in worst] == sorted(clip_lrap(truth, scores)[[2, 1, 3]])
    assert worst[0].truth == ("x",) and worst[0].wave.size == 0
    assert [(guess.label, guess.place) for guess in worst[0].top] == [("z", 1), ("x", 3)]
    assert worst[0].top[0].probability == pytest.approx(1 / (1 + math.exp(-3)))
    assert len(worst_clips(predictions, truth, 99)) == 4


def test_the_sound_is_asked_for_only_where_it_is_needed(evaluated, hear):
    asked = []

    def listening(name):
        asked.append(name)
        return hear(name)

    case = evaluated(CLASSES)
    worst = worst_clips(case.predictions, case.truth, 2, hear=listening)
    assert [clip.id for clip in worst] == asked and all(clip.wave.size and clip.rate_hz for clip in worst)


@pytest.mark.parametrize("link", ["logit", "probability", "softmax_logit", "rank"])
def test_every_link_can_be_shown(link):
    scores = np.array([[0.2, 0.7], [0.9, 0.1]])
    worst = worst_clips(Predictions(("a", "b"), ("x", "y"), scores, link), np.eye(2), 2)
    assert all(0 <= guess.probability <= 1 for clip in worst for guess in clip.top)


def test_text_is_aligned_also_where_letters_are_wide():
    lines = text_table(["class", "n"], [["鳥", 5], ["Bark", None], ["a|b", 123]]).splitlines()
    assert lines == ["class    n", "-----  ---", "鳥       5", "Bark     –", "a|b    123"]
    assert text_table(["class", "n"], []).splitlines() == ["class  n", "-----  -"]


def test_text_tables_say_dash_and_never_nan(evaluated):
    case = evaluated(CLASSES)
    text = classes_as_text(per_class_table(case.classes, case.truth, case.scores, n_resamples=50))
    assert text.splitlines()[-1].split() == ["Never", "0", "–", "–", "–"]
    assert "nan" not in text.lower()
