"""Average precision and auroc: parity with scikit-learn, ties and unknowns included, and what is undefined."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.metrics import average_precision_score, roc_auc_score

from earmark.core.errors import DataError
from earmark.metrics import (
    auroc,
    average_precision,
    mean_average_precision,
    mean_average_precision_on,
    micro_average_precision,
    precision_at_labels,
)

N_LEVELS = [3, 20, 10**9]  # from nearly everything tied to nothing


def case(n_levels, n_clips=200, n_classes=9, seed=0):
    rng = np.random.default_rng(seed)
    truth = rng.random((n_clips, n_classes)) < np.linspace(0.02, 0.6, n_classes)
    truth[0], truth[1] = True, False  # scikit-learn wants both kinds in every class
    return (
        truth,
        rng.integers(n_levels, size=truth.shape) + 0.4 * truth * (n_levels > 20),
        rng.random(truth.shape) < 0.7,
    )


@pytest.mark.parametrize("n_levels", N_LEVELS)
def test_parity_with_scikit_learn(n_levels):
    truth, scores, _ = case(n_levels)
    np.testing.assert_allclose(
        average_precision(truth, scores), average_precision_score(truth, scores, average=None), rtol=1e-12
    )
    np.testing.assert_allclose(auroc(truth, scores), roc_auc_score(truth, scores, average=None), rtol=1e-12)
    assert mean_average_precision(truth, scores) == pytest.approx(average_precision_score(truth, scores), rel=1e-12)
    micro = average_precision_score(truth, scores, average="micro")
    assert micro_average_precision(truth, scores) == pytest.approx(micro, rel=1e-12)


@pytest.mark.parametrize("n_levels", N_LEVELS)
def test_unknown_clips_are_left_out_for_their_class(n_levels):
    truth, scores, known = case(n_levels)
    known[:2] = True
    for column in range(truth.shape[1]):
        rows = known[:, column]
        kept = truth[rows, column], scores[rows, column]
        assert average_precision(truth, scores, known)[column] == pytest.approx(average_precision_score(*kept))
        assert auroc(truth, scores, known)[column] == pytest.approx(roc_auc_score(*kept))
    micro = average_precision_score(truth[known], scores[known])
    assert micro_average_precision(truth, scores, known) == pytest.approx(micro)


def test_a_class_without_labels_is_nan_and_left_out_of_the_mean():
    truth, scores, _ = case(20)
    truth[:, 3] = False
    values = average_precision(truth, scores)
    assert np.flatnonzero(np.isnan(values)).tolist() == [3]
    rest = np.delete(truth, 3, axis=1), np.delete(scores, 3, axis=1)
    assert mean_average_precision(truth, scores) == pytest.approx(mean_average_precision(*rest))
    truth[:, 4] = True
    assert average_precision(truth, scores)[4] == 1.0
    assert np.flatnonzero(np.isnan(auroc(truth, scores))).tolist() == [3, 4]


def test_no_label_at_all_has_no_mean():
    nothing, scores = np.zeros((3, 2)), np.ones((3, 2))
    assert np.isnan(average_precision(nothing, scores)).all()
    assert np.isnan(auroc(nothing, scores)).all()
    for mean in (mean_average_precision, micro_average_precision):
        with pytest.raises(DataError, match="at least one label"):
            mean(nothing, scores)
        with pytest.raises(DataError, match="at least one label"):
            mean(np.zeros((0, 2)), np.zeros((0, 2)))
    assert np.isnan(mean_average_precision_on(nothing, scores)(np.arange(3)))


def test_nan_and_shapes_are_refused():
    for metric in (
        average_precision,
        mean_average_precision,
        micro_average_precision,
        auroc,
        mean_average_precision_on,
    ):
        with pytest.raises(DataError, match="the first in clip 0 at class 1"):
            metric([[1, 0]], [[0.5, np.nan]])
        with pytest.raises(DataError, match="same shape"):
            metric([[1, 0]], [[0.5]])


@given(
    truth=hnp.arrays(bool, (7, 4)),
    scores=hnp.arrays(np.float64, (7, 4), elements=st.integers(-2, 2).map(float)),
    order=st.permutations(range(7)),
)
@settings(deadline=None, max_examples=60)
def test_laws(truth, scores, order):
    order = np.array(order)
    values = average_precision(truth, scores)
    # The clips of a class rank as the classes of a clip do under the pessimistic rule.
    turned = precision_at_labels(truth.T, scores.T, ties="pessimistic")
    wanted = [np.mean(row[~np.isnan(row)]) if (~np.isnan(row)).any() else np.nan for row in turned]
    np.testing.assert_allclose(values, wanted, rtol=1e-13)
    for metric in (average_precision, auroc):
        np.testing.assert_allclose(metric(truth[order], scores[order]), metric(truth, scores), rtol=1e-13)
        np.testing.assert_array_equal(metric(truth, np.exp(scores)), metric(truth, scores))
        perfect = metric(truth, truth.astype(float))
        assert set(perfect[~np.isnan(perfect)]) <= {1.0}
    np.testing.assert_allclose(auroc(truth, -scores), 1 - auroc(truth, scores), atol=1e-13)


@pytest.mark.parametrize("n_levels", N_LEVELS)
@pytest.mark.parametrize("masked", [False, True])
def test_map_on_drawn_clips_is_map_of_the_drawn_rows(n_levels, masked):
    truth, scores, known = case(n_levels)
    truth[:, 3] = False
    mask = known if masked else None
    statistic = mean_average_precision_on(truth, scores, mask)
    rng = np.random.default_rng(5)
    for size in (200, 200, 200, 40, 3000):
        drawn = rng.integers(200, size=size)
        wanted = mean_average_precision(truth[drawn], scores[drawn], mask[drawn] if masked else None)
        assert statistic(drawn) == pytest.approx(wanted, rel=1e-12)
    assert statistic(np.arange(200)) == pytest.approx(mean_average_precision(truth, scores, mask), rel=1e-12)
