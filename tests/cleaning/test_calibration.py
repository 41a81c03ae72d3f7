"""Calibration makes chances honest, keeps their order, and leaves them alone where there is nothing to learn from."""

from __future__ import annotations

import numpy as np
import pytest

from earmark.cleaning.calibration import Calibration, CalibrationSettings, calibrated
from earmark.cleaning.case import Case, Guesses
from tests.cleaning.cases import world


def example(n: int = 4000, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Chances of a model that is too sure of one class and too shy of the next; labels, and the chances they follow."""
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(n, 3)) * 1.5 - 1
    labels = rng.random(z.shape) < 1 / (1 + np.exp(-z))
    told = 1 / (1 + np.exp(-(z * [2.0, 0.5, 1.0] + [0.0, -2.0, 0.0])))
    return told, labels, 1 / (1 + np.exp(-z))


@pytest.mark.parametrize("method", ["platt", "isotonic"])
def test_each_class_gets_the_chances_that_labels_bear_out(method: str) -> None:
    told, labels, true = example()
    made = CalibrationSettings(method=method)(told, labels, np.ones_like(labels))
    assert set(made.own) == {0, 1, 2} and made.is_learnt
    found = made(told)
    assert abs(found - true).mean() < 0.03 < abs(told - true)[:, :2].mean()
    for column in range(3):
        order = np.argsort(told[:, column])
        assert (np.diff(found[order, column]) >= -1e-12).all(), "the order is kept"
    assert (found > 0).all() and (found < 1).all()


def test_rare_classes_share_a_map_and_what_is_unknown_is_left_out() -> None:
    told, labels, _ = example(400)
    labels[:, 2] = False
    labels[:5, 2] = True
    made = CalibrationSettings(least_labels=20)(told, labels, np.ones_like(labels))
    assert set(made.own) == {0, 1} and made.pooled is not None
    np.testing.assert_allclose(made(told)[:, 2], made.pooled(np.log(told / (1 - told))[:, 2]))
    known = np.ones_like(labels)
    known[:, 0] = False
    known[:3, 0] = True
    assert 0 not in CalibrationSettings()(told, labels, known).own


def test_nothing_to_learn_from_changes_nothing() -> None:
    told, labels, _ = example(50)
    assert np.array_equal(Calibration()(told), told)
    made = CalibrationSettings()(told, np.zeros_like(labels), np.ones_like(labels))
    assert not made.is_learnt and np.array_equal(made(told), told)


@pytest.mark.parametrize("method", ["platt", "isotonic"])
def test_single_models_are_calibrated_before_the_mean_is_taken(method: str) -> None:
    one = world(120)
    case = one.case
    found = calibrated(case, CalibrationSettings(method=method))
    right = one.truth_of(case)
    assert found is not None and abs(found.mean() - right.mean()) < 0.06
    thirds = tuple(m.aligned([n for n in m.ids if int(n[1:]) % 3 == f]) for f, m in enumerate(one.guesses[0].members))
    partial = calibrated(
        Case.of(one.manifest, [Guesses(one.guesses[0].parts, thirds)]), CalibrationSettings(method=method)
    )
    assert partial is not None and not np.isnan(partial).any()
    bare = Case.of(one.manifest, [Guesses(one.guesses[0].parts[:1])])
    np.testing.assert_allclose(calibrated(bare, CalibrationSettings()), bare.guesses[0].p)
    assert calibrated(Case.of(one.manifest, []), CalibrationSettings()) is None
