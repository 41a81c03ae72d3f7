"""What evidence is worth and how common mistakes are: found in worlds in which both are known."""

from __future__ import annotations

import numpy as np
import pytest

from earmark.cleaning.features import Features
from earmark.cleaning.learners import Settled, clearness, elsewhere, mistaken, settle, worth
from earmark.cleaning.ranks import chances

N_CLASSES = 8


def sounding(n: int, seed: int, *, strangers: float = 0.0, shift: float = 0.0) -> tuple[Features, np.ndarray]:
    """Clips of one class each, or none; of a class that is there the log-odds are higher by two deviations."""
    rng = np.random.default_rng(seed)
    truth = np.eye(N_CLASSES, dtype=bool)[rng.integers(N_CLASSES, size=n)]
    truth[rng.random(n) < strangers] = False
    z = rng.normal(size=truth.shape) + 2.0 * truth + shift
    other = rng.normal(size=truth.shape)
    return Features(np.stack([z, other], axis=2), 1.0, chances(z - 2), 0.5), truth


def mislabelled(truth: np.ndarray, share: float, seed: int) -> np.ndarray:
    """Labels of which a share is another class; strangers get any."""
    rng = np.random.default_rng(seed)
    given = truth.copy()
    for row, there in enumerate(truth):
        if not there.any() or rng.random() < share:
            given[row] = np.eye(N_CLASSES, dtype=bool)[rng.choice(np.flatnonzero(~there))]
    return given


def test_mistakes_go_by_frequency_and_by_what_sounds_alike() -> None:
    given = np.array([[1, 0, 0], [1, 0, 0], [1, 0, 0], [0, 1, 0]], bool)
    belief = np.array([[1.0, 0, 0], [1.0, 0, 0], [0.0, 0, 0], [0, 0.5, 0]])
    p = np.array([[0.9, 0.1, 0.3], [0.9, 0.1, 0.3], [0.9, 0.9, 0.9], [0.5, 0.9, 0.0]])
    any_class = mistaken(belief, given, p, 0.0)
    # Three of four labels are the first class, one the second; who is not believed stands for nothing.
    np.testing.assert_allclose(any_class * 7, [[0, 2, 0], [0, 2, 0], [0, 0, 0], [3, 0, 0]])
    alike = mistaken(belief, given, p, 1.0)
    # The first class is confused with the third three times as much as with the second, the second with the first.
    np.testing.assert_allclose(alike * 5, [[0, 0.5, 1.5], [0, 0.5, 1.5], [0, 0, 0], [1, 0, 0]])
    np.testing.assert_allclose(mistaken(belief, given, p, 0.5).sum(), 1)
    assert (mistaken(belief, np.ones_like(given), p, 0.5) == 0).all(), "nothing is left to take a label for"


def test_worth_is_what_labels_bear_out() -> None:
    made, truth = sounding(4000, 0)
    known = np.ones_like(truth)
    found = worth(made, truth, known, 0.2)
    assert found[0] == pytest.approx(2.0, abs=0.15), "two normal laws that are two deviations apart"
    assert abs(found[1]) < 0.1, "chance is worth nothing"
    few = worth(Features(made.numbers[:3], 1.0, made.p[:3], 0.5), truth[:3], known[:3], 0.2)
    assert abs(few[0] - 1) < 0.6, "three clips say little: models are taken at their word"
    none = np.zeros_like(truth)
    assert worth(made, none, known, 0.2).tolist() == [1, 0]
    assert worth(made, truth, truth, 0.2).tolist() == [1, 0], "no class is known to be absent"


@pytest.mark.parametrize("share", [0.0, 0.1, 0.4, 0.6])
@pytest.mark.parametrize("shift", [0.0, -3.0])
def test_the_share_of_mistakes_is_learnt_from_the_labels_themselves(share: float, shift: float) -> None:
    made, truth = sounding(2000, 1, shift=shift)
    given = mislabelled(truth, share, 2)
    wrong = (given & ~truth).sum() / given.sum()
    settled = settle(made, given, np.array([2.0, 0.0]), 0.0)
    assert -0.02 < 1 - settled.share - wrong < 0.06, "also where models are shyer than they were"
    p = chances(settled.right)[given]
    right = truth[given]
    assert p.mean() == pytest.approx(right.mean(), abs=0.06)
    for low, high in ((0.0, 0.2), (0.2, 0.8), (0.8, 1.0)):
        some = (p >= low) & (p <= high)
        if some.sum() > 50:
            assert right[some].mean() == pytest.approx(p[some].mean(), abs=0.15), "chances are honest"


@pytest.mark.parametrize("seed", range(3))
def test_where_nothing_is_heard_labels_are_left_in_peace(seed: int) -> None:
    made, truth = sounding(300, seed)
    deaf = made._replace(numbers=np.random.default_rng(seed).normal(size=made.numbers.shape))
    settled = settle(deaf, mislabelled(truth, 0.5, seed), np.array([0.1, 0.0]), 0.2)
    assert settled.share == pytest.approx(0.7, abs=0.1), "as many as there usually are, for nothing else is known"


def test_strangers_are_told_from_clips_of_another_class() -> None:
    made, truth = sounding(3000, 3, strangers=0.3)
    given = mislabelled(truth, 0.3, 4)
    found = elsewhere(settle(made, given, np.array([2.0, 0.0]), 0.0), given, 0.5)
    assert ((found.none >= 0) & (found.none <= 1)).all() and ((found.there >= 0) & (found.there <= 1)).all()
    assert (found.there[given] == 0).all()
    assert found.none.mean() == pytest.approx((~truth.any(axis=1)).mean(), abs=0.12)
    likely = found.there > 0.7
    assert likely.sum() > 50 and truth[likely].mean() > 0.7
    assert found.none[~truth.any(axis=1)].mean() > 2 * found.none[truth.any(axis=1)].mean()


def test_models_that_hear_less_are_believed_less() -> None:
    made, _ = sounding(500, 0)
    faint = made._replace(sure=made.sure / 2)
    assert clearness(made, made) == 1 and clearness(made, faint) == 1, "never more than on trusted clips"
    assert clearness(faint, made) == pytest.approx(0.5)


def test_nothing_given_and_everything_given() -> None:
    made, truth = sounding(20, 5)
    none, every = np.zeros_like(truth), np.ones_like(truth)
    for given in (none, every):
        settled = settle(made, given, np.array([2.0, 0.0]), 0.2)
        found = elsewhere(settled, given, 0.5)
        assert np.isfinite(settled.right).all() and np.isfinite(found.there).all() and np.isfinite(found.none).all()
    assert (elsewhere(Settled(made.numbers[:, :, 0], 0.5), every, 0.5).there == 0).all()
