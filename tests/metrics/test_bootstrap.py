"""Bootstrap intervals: they hold the truth about as often as they say, repeat, pair, and respect groups."""

from __future__ import annotations

import time

import numpy as np
import pytest

from earmark.core.errors import DataError, SettingsError
from earmark.metrics import (
    bootstrap_difference,
    bootstrap_interval,
    lwlrap,
    lwlrap_class_intervals,
    lwlrap_difference,
    lwlrap_interval,
    lwlrap_sums,
    mean_average_precision,
    mean_average_precision_on,
)


def clips(n_clips, rng, n_classes=6, skill=1.5):
    """Clips from one imagined population: one to a few labels, scores that know something of them."""
    truth = rng.random((n_clips, n_classes)) < np.linspace(0.1, 0.4, n_classes)
    return truth, rng.normal(size=truth.shape) + skill * truth


@pytest.fixture(scope="module")
def table():
    return clips(300, np.random.default_rng(7))


def test_the_interval_holds_the_population_value_about_as_often_as_it_says():
    rng = np.random.default_rng(11)
    population = clips(200_000, rng)
    lwlrap_there, map_there = lwlrap(*population), mean_average_precision(*population)
    n_trials, held_lwlrap, held_map = 200, 0, 0
    for trial in range(n_trials):
        sample = clips(100, rng)
        interval = lwlrap_interval(*sample, n_resamples=200, level=0.9, seed=trial)
        held_lwlrap += interval.low <= lwlrap_there <= interval.high
        statistic = mean_average_precision_on(*sample)
        interval = bootstrap_interval(statistic, 100, n_resamples=100, level=0.9, seed=trial)
        held_map += interval.low <= map_there <= interval.high
    # Four standard errors of a count of 200 with chance 0.9 are 0.085.
    assert held_lwlrap / n_trials == pytest.approx(0.9, abs=0.085)
    assert held_map / n_trials == pytest.approx(0.9, abs=0.085)


def test_the_value_is_the_metric_itself(table):
    truth, scores = table
    other = scores + np.random.default_rng(1).normal(size=scores.shape)
    known = np.random.default_rng(2).random(truth.shape) < 0.8
    for ties in ("reference", "expected"):
        options = {"ties": ties, "known": known}
        a, b = lwlrap(truth, scores, **options), lwlrap(truth, other, **options)
        assert lwlrap_interval(truth, scores, **options, n_resamples=20, seed=0).value == a
        difference = lwlrap_difference(truth, scores, other, **options, n_resamples=20, seed=0)
        assert difference.value == pytest.approx(b - a, abs=1e-13)
        per_class = lwlrap_class_intervals(truth, scores, **options, n_resamples=20, seed=0)
        np.testing.assert_array_equal(per_class.value, lwlrap_sums(truth, scores, **options).per_class)


def test_the_fast_sums_are_those_of_scoring_each_resample_anew(table):
    truth, scores = table
    groups = [f"recording {clip // 4}" for clip in range(len(truth))]
    for names in (None, groups):
        options = {"groups": names, "n_resamples": 60, "seed": 3}
        fast = lwlrap_interval(truth, scores, **options)
        anew = bootstrap_interval(lambda drawn: lwlrap(truth[drawn], scores[drawn]), len(truth), **options)
        # The general interval mirrors the resamples at the value.
        assert (2 * anew.value - anew.high, 2 * anew.value - anew.low) == pytest.approx(
            (fast.low, fast.high), rel=1e-12
        )


def test_the_same_seed_gives_the_same_numbers_and_another_seed_others(table):
    truth, scores = table
    first = lwlrap_interval(truth, scores, seed=5)
    assert lwlrap_interval(truth, scores, seed=5) == first
    assert lwlrap_interval(truth, scores, seed=6) != first
    statistic = mean_average_precision_on(truth, scores)
    assert bootstrap_interval(statistic, 300, n_resamples=50, seed=5) == bootstrap_interval(
        statistic, 300, n_resamples=50, seed=5
    )


def test_a_higher_level_makes_a_wider_interval_and_more_clips_a_narrower_one(table):
    truth, scores = table
    widths = [np.ptp(lwlrap_interval(truth, scores, level=level, seed=0)[1:]) for level in (0.5, 0.9, 0.99)]
    assert widths == sorted(widths)
    fourfold = clips(1200, np.random.default_rng(8))
    assert np.ptp(lwlrap_interval(*fourfold, level=0.9, seed=0)[1:]) == pytest.approx(widths[1] / 2, rel=0.2)


def test_a_paired_difference_is_narrower_than_an_unpaired_one(table):
    truth, scores = table
    other = scores + 0.3 * np.random.default_rng(1).normal(size=scores.shape)
    paired = lwlrap_difference(truth, scores, other, seed=0)
    a, b = lwlrap_interval(truth, scores, seed=1), lwlrap_interval(truth, other, seed=2)
    assert np.ptp(paired[1:3]) < 0.6 * np.hypot(a.high - a.low, b.high - b.low)


def test_a_difference_has_a_direction(table):
    truth, scores = table
    better = scores + 0.5 * truth
    forth, back = lwlrap_difference(truth, scores, better, seed=0), lwlrap_difference(truth, better, scores, seed=0)
    assert 0 < forth.low < forth.value < forth.high and forth.p_b_better == 1
    assert back.value == -forth.value and back.p_b_better == 0
    on_a, on_b = mean_average_precision_on(truth, scores), mean_average_precision_on(truth, better)
    general = bootstrap_difference(on_a, on_b, len(truth), n_resamples=100, seed=0)
    assert 0 < general.low < general.value < general.high and general.p_b_better == 1
    assert general.value == pytest.approx(on_b(np.arange(300)) - on_a(np.arange(300)))


def test_identical_scores_differ_by_exactly_nothing(table):
    truth, scores = table
    # An increasing map of a clip's scores is no difference either.
    assert lwlrap_difference(truth, scores, np.exp(scores), seed=0) == (0, 0, 0, 0.5)
    statistic = mean_average_precision_on(truth, scores)
    assert bootstrap_difference(statistic, statistic, len(truth), n_resamples=50, seed=0) == (0, 0, 0, 0.5)


def test_groups_are_drawn_whole(table):
    truth, scores = table
    copies, names = (np.repeat(truth, 4, axis=0), np.repeat(scores, 4, axis=0)), np.repeat(np.arange(300), 4)
    alone = lwlrap_interval(truth, scores, seed=0)
    # Four copies of a clip are one piece of evidence, not four.
    assert lwlrap_interval(*copies, groups=names.tolist(), seed=0) == pytest.approx(alone, rel=1e-12)
    mistaken = lwlrap_interval(*copies, seed=0)
    assert np.ptp(mistaken[1:]) == pytest.approx(np.ptp(alone[1:]) / 2, rel=0.15)


def test_uneven_groups_that_do_not_lie_together_are_drawn_whole_too():
    names = np.array(list("abcabcaaab"))
    seen = []

    def statistic(drawn):
        seen.append({name: np.sort(drawn[names[drawn] == name]).tolist() for name in names[drawn]})
        return float(len(drawn))

    bootstrap_interval(statistic, 10, groups=names.tolist(), n_resamples=50, seed=0)
    for resample in seen:
        for name, members in resample.items():
            own = np.flatnonzero(names == name)
            assert members == np.repeat(own, len(members) // len(own)).tolist()
    assert len(seen) == 51 and len({len(resample) for resample in seen}) > 1


def test_class_intervals_say_what_they_cannot_know(table):
    truth, scores = table
    truth = truth.copy()
    truth[:, 0] = False
    truth[:, 1] = np.arange(300) == 17
    intervals = lwlrap_class_intervals(truth, scores, seed=0)
    assert np.isnan([intervals.value[0], intervals.low[0], intervals.high[0]]).all()
    assert intervals.value[1] > 0 and np.isnan([intervals.low[1], intervals.high[1]]).all()
    rest = slice(2, None)
    assert (intervals.low[rest] < intervals.value[rest]).all() and (intervals.value[rest] < intervals.high[rest]).all()
    # Two labels in one recording are as much as one.
    truth[18, 1] = True
    groups = [clip // 2 if clip != 18 else 17 // 2 for clip in range(300)]
    assert np.isnan(lwlrap_class_intervals(truth, scores, groups=groups, seed=0).low[1])
    assert not np.isnan(lwlrap_class_intervals(truth, scores, seed=0).low[1])
    only = np.zeros_like(truth)
    assert np.isnan(lwlrap_class_intervals(only, scores, seed=0).value).all()


def test_resamples_without_a_label_are_left_out():
    truth, scores = np.zeros((8, 2)), np.random.default_rng(0).random((8, 2))
    truth[:2, 0] = 1
    interval = lwlrap_interval(truth, scores, seed=0)
    assert np.isfinite(interval).all()
    general = bootstrap_interval(lambda drawn: lwlrap(truth[drawn], scores[drawn]), 8, n_resamples=100, seed=0)
    assert np.isfinite(general).all()
    with pytest.raises(DataError, match="most resamples must have a result"):
        bootstrap_interval(lambda drawn: 1.0 if len(set(drawn)) == 8 else np.nan, 8, seed=0)


def test_the_ends_stay_within_the_bounds_given():
    shares = np.array([1.0] * 19 + [0.0])
    unbounded = bootstrap_interval(lambda drawn: shares[drawn].mean() ** 4, 20, n_resamples=200, seed=0)
    bounded = bootstrap_interval(lambda drawn: shares[drawn].mean() ** 4, 20, bounds=(0, 1), n_resamples=200, seed=0)
    assert unbounded.high > 1 and bounded.high == 1
    assert bounded[:2] == unbounded[:2]


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"n_resamples": 0}, SettingsError, "n_resamples of at least 1"),
        ({"level": 1.0}, SettingsError, "a level between 0 and 1"),
        ({"seed": -1}, SettingsError, "a seed not below 0"),
        ({"groups": ["a"] * 299}, DataError, "300 clips, but 299 came"),
        ({"groups": ["a"] * 300}, DataError, "at least 2 groups"),
        ({"groups": [None, *range(299)]}, DataError, "1 of 300 have none"),
        ({"groups": [float("nan"), *range(299)]}, DataError, "1 of 300 have none"),
    ],
)
def test_what_has_no_meaning_is_refused_in_words(table, options, error, words):
    with pytest.raises(error, match=words):
        lwlrap_interval(*table, **{"seed": 0, **options})


def test_too_little_to_draw_from_is_refused():
    with pytest.raises(DataError, match="at least 2 clips"):
        lwlrap_interval([[1, 0]], [[0.5, 0.1]], seed=0)
    with pytest.raises(DataError, match="at least one label"):
        lwlrap_interval([[0, 0]] * 3, [[0.5, 0.1]] * 3, seed=0)
    with pytest.raises(DataError, match="same shape"):
        lwlrap_difference([[1, 0]] * 3, [[0.5, 0.1]] * 3, [[0.5, 0.1, 0.2]] * 3, seed=0)
    with pytest.raises(DataError, match="finite number on all 3 clips"):
        bootstrap_interval(lambda _: float("nan"), 3, seed=0)


def test_the_whole_test_part_of_the_challenge_takes_well_under_two_seconds():
    truth, scores = clips(4481, np.random.default_rng(0), n_classes=80)
    started = time.process_time()
    lwlrap_interval(truth, scores, n_resamples=2000, seed=0)
    assert time.process_time() - started < 2
