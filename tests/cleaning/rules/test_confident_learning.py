"""Confident learning by a naive double loop, by hand, and against the reference implementation where that is there."""

from __future__ import annotations

import numpy as np
import pytest

from earmark.cleaning.rules.confident_learning import ConfidentLearning, confident
from tests.cleaning.cases import case_of


def naive(labels: np.ndarray, p: np.ndarray, agreed: bool) -> tuple[np.ndarray, np.ndarray]:
    """The joint and what lies off its diagonal, class by class and clip by clip."""
    n, n_classes = labels.shape
    joint, wrong = np.zeros((n_classes, 2, 2), int), np.zeros(labels.shape, bool)
    for c in range(n_classes):
        chance = [[1 - p[i, c], p[i, c]] for i in range(n)]
        given = [int(labels[i, c]) for i in range(n)]
        thresholds = [np.mean([chance[i][s] for i in range(n) if given[i] == s]) for s in (0, 1)]
        for i in range(n):
            sure = [s for s in (0, 1) if chance[i][s] >= thresholds[s] - 1e-6]
            if sure:
                guess = sure[0] if len(sure) == 1 else int(chance[i][1] > chance[i][0])
                joint[c, given[i], guess] += 1
                likelier = int(chance[i][1] > chance[i][0])
                wrong[i, c] = guess != given[i] and not (agreed and likelier == given[i])
    return joint, wrong


def example(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = rng.random((120, 5)) < 0.3
    p = 1 / (1 + np.exp(-(3 * truth - 1.5 + rng.normal(size=truth.shape))))
    return np.where(rng.random(truth.shape) < 0.1, ~truth, truth), p


@pytest.mark.parametrize("agreed", [True, False])
@pytest.mark.parametrize("seed", range(5))
def test_it_is_what_naive_loops_find(seed: int, agreed: bool) -> None:
    labels, p = example(seed)
    found = confident(labels, p, agreed=agreed)
    joint, wrong = naive(labels, p, agreed)
    assert np.array_equal(found.joint, joint) and np.array_equal(found.wrong, wrong)
    assert wrong.any() and found.joint.sum() <= labels.size


@pytest.mark.parametrize("seed", range(3))
def test_the_reference_implementation_finds_the_same(seed: int) -> None:
    from cleanlab.multilabel_classification import filter as filters  # the first import takes a second

    labels, p = example(seed)
    given = [np.flatnonzero(row).tolist() for row in labels]
    theirs = filters.find_multilabel_issues_per_class(given, p, filter_by="confident_learning", n_jobs=1)
    assert np.array_equal(confident(labels, p).wrong, theirs)


def test_by_hand() -> None:
    # Given Bark: chances 0.9, 0.8, 0.1, so present from 0.6; not given: 0.05, 0.95, 0.1, absent from 1 - 0.3667.
    chances = {"n1": 0.9, "n2": 0.8, "n3": 0.1, "n4": 0.05, "n5": 0.95, "n6": 0.1}
    labels = {name: ["Bark"] if name < "n4" else ["Tap"] for name in chances}
    case = case_of(labels, {name: [p, 0.1, 0.1, 0.5] for name, p in chances.items()})
    found = ConfidentLearning()(case)
    assert found.verdicts[:, 0].tolist() == [1, 1, 2, 0, 3, 0]
    assert found.seen["present from"][0, 0] == pytest.approx(0.6)
    assert ConfidentLearning(add=False)(case).verdicts[4, 0] == 4
    assert not found.verdicts[:, 1:3].any(), "nobody was given these classes, so nothing is said of them"


def test_a_shy_model_is_believed_as_much_as_a_sure_one() -> None:
    labels, p = example(0)
    shy = 0.2 * p
    assert np.array_equal(
        confident(labels, p, agreed=False).wrong & ~labels, confident(labels, shy, agreed=False).wrong & ~labels
    )
