"""Places of labels among ties, and that the metrics need nothing but numpy."""

from __future__ import annotations

import subprocess
import sys

import numpy as np

from earmark.metrics.ranking import checked, rank_labels, sort_rows


def test_groups_of_equal_scores_run_from_start_to_end():
    ordered = sort_rows(checked([[1, 0, 1, 0, 1]], [[0.5, np.inf, 0.5, -np.inf, np.inf]]))
    assert ordered.order.tolist() == [[1, 4, 0, 2, 3]]
    assert ordered.labels.tolist() == [[False, True, True, True, False]]
    assert ordered.start.tolist() == [[0, 0, 2, 2, 4]]
    assert ordered.end.tolist() == [[1, 1, 3, 3, 4]]


def test_counts_pass_over_what_is_not_known():
    known = [[True, False, True, True, True, False]]
    ranks = rank_labels(checked([[0, 1, 1, 1, 0, 0]], [[2.0, 2.0, 1.0, 1.0, 1.0, 1.0]], known))
    assert ranks.column.tolist() == [2, 3]
    assert ranks.above.tolist() == [1, 1] and ranks.labels_above.tolist() == [0, 0]
    assert ranks.tied.tolist() == [3, 3] and ranks.labels_tied.tolist() == [2, 2]
    assert ranks.place.tolist() == [1, 2] and ranks.labels_place.tolist() == [1, 2]


def test_an_unknown_class_at_minus_infinity_is_still_no_competitor():
    ranks = rank_labels(checked([[1, 0, 0]], [[-np.inf, -np.inf, -np.inf]], [[True, False, True]]))
    assert (ranks.above.tolist(), ranks.tied.tolist(), ranks.place.tolist()) == ([0], [2], [1])


def test_plus_and_minus_zero_are_one_score():
    ranks = rank_labels(checked([[1, 0]], [[-0.0, 0.0]]))
    assert (ranks.above.tolist(), ranks.tied.tolist()) == ([0], [2])


def test_empty_tables_have_no_labels():
    for shape in ((0, 3), (3, 0), (0, 0)):
        assert all(len(part) == 0 for part in rank_labels(checked(np.ones(shape), np.ones(shape))))


def test_nothing_heavy_is_imported():
    code = (
        "import sys, earmark.metrics; print([m for m in ('torch', 'polars', 'scipy', 'sklearn') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
