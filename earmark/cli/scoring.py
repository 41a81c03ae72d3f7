"""What ``earmark score`` prints."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

from earmark.core.errors import SettingsError
from earmark.core.settings import nearest
from earmark.data.tables import read_predictions
from earmark.metrics import Ties
from earmark.reports.tables import classes_as_text, per_class_table, scores_as_text
from earmark.stages.folds import predictions_of
from earmark.stages.score import as_data, compare, judge, read_truth, rows


def score_predictions(
    path: Path, truth: Path, against: Path | None, ties: str, classes: bool, n_resamples: int, as_json: bool
) -> int:
    """Score every table that was named, and compare it with another one if asked."""
    if ties not in get_args(Ties):
        raise SettingsError(f"there is no tie rule '{ties}'; {nearest(ties, get_args(Ties))}")
    rule: Any = ties
    found: list[dict[str, Any]] = []
    for place in predictions_of(path):
        predictions = read_predictions(place)
        judged = judge(predictions, read_truth(truth, predictions.classes))
        scored = rows(judged, place.stem, ties=rule, n_resamples=n_resamples)
        table = per_class_table(
            judged.predictions.classes, judged.truth, judged.predictions.scores, judged.known, ties=rule
        )
        data: dict[str, Any] = {"predictions": str(place), "ties": ties, "scores": [as_data(row) for row in scored]}
        text = [scores_as_text(scored)]
        if classes:
            data["classes"] = [
                {"class": name, "n_labels": int(n), "lwlrap": float(value)}
                for name, n, value in zip(table.classes, table.n_labels, table.lwlrap, strict=True)
            ]
            text.append(classes_as_text(table))
        if against is not None:
            other = judge(read_predictions(predictions_of(against)[-1]), read_truth(truth, predictions.classes))
            gain = compare(judged, other, rule, n_resamples)
            data["difference"] = {"against": str(against), **gain._asdict()}
            text.append(
                f"{against} is better by {gain.value:+.4f} (95 % interval {gain.low:+.4f} to {gain.high:+.4f}, "
                f"better in {100 * gain.p_b_better:.0f} % of resamples)"
            )
        found.append(data)
        if not as_json:
            print("\n".join(text))
    if as_json:
        print(json.dumps(found, indent=1))
    return 0
