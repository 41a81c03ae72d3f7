"""The mean over runs: who has a say about a clip, what stands beside it, and what is noted."""

from __future__ import annotations

import numpy as np

from earmark.core.predictions import Predictions
from earmark.stages.mean_of_runs import mean_of

CLASSES = ("x", "y")


def part(fold: int | None, without: tuple[str, ...] = (), **rows: float) -> Predictions:
    scores = np.array([[value, -value] for value in rows.values()])
    return Predictions(tuple(rows), CLASSES, scores, provenance={"fold": fold, "without": list(without)})


def test_the_mean_is_over_those_who_have_a_say() -> None:
    whole = mean_of([part(0, a=1.0, b=2.0), part(1, b=4.0, c=5.0)], ["a", "b", "c", "d"])
    assert whole.ids == ("a", "b", "c") and whole.scores[:, 0].tolist() == [1, 3, 5]
    assert whole.folds is None and whole.provenance["out_of_fold"] is True
    backwards = mean_of([part(1, b=4.0, c=5.0), part(0, a=1.0, b=2.0)], ["a", "b", "c", "d"])
    assert np.array_equal(backwards.scores, whole.scores)


def test_folds_stand_beside_guesses_that_one_model_made() -> None:
    whole = mean_of([part(1, c=5.0), part(0, a=1.0, b=2.0)], ["a", "b", "c"])
    assert whole.folds is not None and whole.folds.tolist() == [0, 0, 1]


def test_clips_that_nobody_could_hear_are_noted() -> None:
    whole = mean_of([part(0, ("bad", "b"), a=1.0), part(1, ("bad",), a=2.0, b=1.0)], ["a", "b", "bad"])
    assert whole.provenance["without"] == ["bad"]
