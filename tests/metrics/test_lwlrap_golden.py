"""lwlrap gives the published figures on the real answers of FSDKaggle2019."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import label_ranking_average_precision_score

from earmark.metrics import lwlrap


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def truth_of(rows, names, classes):
    """Truth [clips, classes] of these clips, whatever the order of the rows."""
    labels = {row["fname"]: set(row["labels"].split(",")) for row in rows}
    return np.array([[name in labels[clip] for name in classes] for clip in names])


@pytest.mark.parametrize(
    ("predictions", "answers", "usage", "n_clips", "wanted"),
    [
        ("submission_split_train_dev.csv", "train_curated.csv", None, 497, 0.848685),
        ("submission_v1.csv", "test_post_competition.csv", "Public", 1120, 0.555433),
        ("submission_v2.csv", "test_post_competition.csv", "Public", 1120, 0.554792),
        ("submission_v3.csv", "test_post_competition.csv", "Public", 1120, 0.565186),
    ],
)
def test_golden_predictions_on_real_answers(shared_data, predictions, answers, usage, n_clips, wanted):
    folder = shared_data / "fsdkaggle2019_meta"
    rows = rows_of(folder / "golden_predictions" / predictions)
    classes = [name for name in rows[0] if name != "fname"]
    scores = np.array([[float(row[name]) for name in classes] for row in rows])
    answer_rows = [row for row in rows_of(folder / answers) if usage is None or row["usage"] == usage]
    truth = truth_of(answer_rows, [row["fname"] for row in rows], classes)
    assert truth.shape == (n_clips, 80)
    assert lwlrap(truth, scores, ties="first") == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize(
    ("usage", "n_clips", "reference", "pessimistic"),
    [("Public", 1120, 0.0814, 0.0222), ("Private", 3361, 0.0771, 0.022)],
)
def test_constant_scores_on_real_answers(shared_data, usage, n_clips, reference, pessimistic):
    folder = shared_data / "fsdkaggle2019_meta"
    rows = [row for row in rows_of(folder / "test_post_competition.csv") if row["usage"] == usage]
    classes = [name for name in rows_of(folder / "sample_submission.csv")[0] if name != "fname"]
    truth = truth_of(rows, [row["fname"] for row in rows], classes)
    scores = np.zeros(truth.shape)
    assert truth.shape == (n_clips, 80)
    assert lwlrap(truth, scores, ties="reference") == pytest.approx(reference, abs=5e-5)
    assert lwlrap(truth, scores, ties="pessimistic") == pytest.approx(pessimistic, abs=5e-5)
    theirs = label_ranking_average_precision_score(truth, scores, sample_weight=truth.sum(axis=1))
    assert lwlrap(truth, scores, ties="pessimistic") == pytest.approx(theirs, rel=1e-12)
    # The expected rule is what random scores get on average: between the two ends that an order of columns can reach.
    assert pessimistic < lwlrap(truth, scores, ties="expected") < reference
