"""Measuring a rule where the truth is known, by hand and by naive pairs."""

from __future__ import annotations

import math

import numpy as np
import pytest

from earmark.cleaning.judge import KINDS, Found, judge
from earmark.cleaning.opinion import Opinion, Verdict
from earmark.core.errors import DataError

K, D, A, U, OUT, S = (
    Verdict.KEEP,
    Verdict.DROP,
    Verdict.ADD,
    Verdict.UNKNOWN,
    Verdict.OUT_OF_VOCABULARY,
    Verdict.SILENT,
)
LABELS = np.array([[1, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], bool)
TRUTH = np.array([[1, 0, 0], [1, 1, 0], [0, 0, 1], [0, 0, 0]], bool)
"""A right clip, an incomplete one, a wrong one, a stranger."""
BELIEF = np.array([[0.9, 0.1, 0.2], [0.8, 0.6, 0.1], [0.1, 0.3, 0.7], [0.2, 0.1, 0.5]])


def test_by_hand() -> None:
    said = np.array([[K, S, S], [D, A, S], [S, D, S], [S, S, OUT]], np.int8)
    found = judge(Opinion(said, BELIEF), LABELS, TRUTH)
    assert tuple(found) == KINDS
    right = found["right"]  # 2 right labels among 4: one kept, one dropped
    assert (right.n, right.n_said, right.n_hit, right.precision, right.recall, right.auroc) == (2, 1, 1, 1.0, 0.5, 1.0)
    faulty = found["faulty"]  # 2 of 4 given labels are not there: both are dropped, and a right one with them
    assert (faulty.n, faulty.n_said, faulty.n_hit, faulty.f1) == (2, 3, 2, pytest.approx(0.8))
    assert faulty.auroc == right.auroc, "the same order from the other end"
    wrong = found["wrong"]  # the stranger's label does not count here
    assert (wrong.n, wrong.n_said, wrong.n_hit, wrong.auroc) == (1, 2, 1, 1.0)
    assert (found["incomplete"].n, found["incomplete"].precision, found["incomplete"].auroc) == (1, 1.0, 1.0)
    assert (found["replaced"].n, found["replaced"].recall) == (1, 0.0) and math.isnan(found["replaced"].precision)
    assert found["replaced"].f1 == 0.0 and math.isnan(Found(0, 0, 0, 0.5).f1)
    out = found["out_of_vocabulary"]
    assert (out.n, out.n_said, out.n_hit) == (1, 1, 1)
    assert out.auroc == pytest.approx(2 / 3), "the wrong clip's label is believed even less"
    told = judge(Opinion(said, BELIEF, strange=np.array([0, 0, 0, 1.0])), LABELS, TRUTH)
    assert told["out_of_vocabulary"].auroc == 1.0


def test_unknown_finds_nothing_and_costs_no_precision() -> None:
    said = np.where(LABELS, U, S).astype(np.int8)
    for each in judge(Opinion(said, BELIEF), LABELS, TRUTH).values():
        assert each.n_said == 0 and each.recall == 0 and math.isnan(each.precision)


@pytest.mark.parametrize("seed", range(5))
def test_against_naive_pairs(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth = rng.random((40, 4)) < 0.3
    labels = rng.random((40, 4)) < 0.4
    belief = np.round(rng.random((40, 4)), 1)
    found = judge(Opinion(np.where(labels, K, S).astype(np.int8), belief), labels, truth)["wrong"]
    kept = [(i, c) for i, c in np.argwhere(labels) if truth[i].any()]
    wrong, right = ([belief[i, c] for i, c in kept if truth[i, c] == said] for said in (False, True))
    pairs = [(a < b) + 0.5 * (a == b) for a in wrong for b in right]
    assert found.auroc == pytest.approx(np.mean(pairs)) and found.n == len(wrong)


def test_shapes_must_agree_and_one_sided_tables_have_no_auroc() -> None:
    said = np.where(LABELS, K, S).astype(np.int8)
    with pytest.raises(DataError, match="of the same clips and classes were wanted"):
        judge(Opinion(said, BELIEF), LABELS[:2], TRUTH[:2])
    assert math.isnan(judge(Opinion(said, BELIEF), LABELS, LABELS)["wrong"].auroc)
