"""What ``earmark score`` prints."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, get_args

from earmark.cli.console import Console
from earmark.cli.judging import score_verdicts
from earmark.core.errors import DataError, SettingsError
from earmark.core.predictions import Predictions
from earmark.core.settings import nearest
from earmark.data.tables import read_predictions
from earmark.metrics import Difference, Ties
from earmark.reports.tables import classes_as_text, per_class_table, scores_as_text
from earmark.stages.folds import predictions_of
from earmark.stages.judging import verdicts_in
from earmark.stages.score import Judged, as_data, compare, is_labelled, judge, numbers, quarantined, read_truth, rows


def score_predictions(
    path: Path, truth: Path, against: Path | None, ties: str, classes: bool, n_resamples: int, as_json: bool
) -> int:
    """Score every table that was named, and compare it with another one if asked; or verdicts, which are counted."""
    verdicts = verdicts_in(path)
    if verdicts is not None:
        if against is not None:
            raise SettingsError(f"'{path}' holds verdicts, which are counted one table at a time; leave out --against")
        return score_verdicts(verdicts, truth, as_json)
    if ties not in get_args(Ties):
        raise SettingsError(f"there is no tie rule '{ties}'; {nearest(ties, get_args(Ties))}")
    rule: Any = ties
    console = Console()
    found: list[dict[str, Any]] = []
    n_compared = 0
    judged_tables = _judged(predictions_of(path), truth, console)
    others = {} if against is None else {place.stem: place for place in predictions_of(against)}
    for place, judged in judged_tables.items():
        scored = rows(judged, place.stem, ties=rule, n_resamples=n_resamples)
        data: dict[str, Any] = {"predictions": str(place), "ties": ties, "scores": [as_data(row) for row in scored]}
        text = [scores_as_text(scored)]
        if classes:
            groups = None if judged.groups is None else judged.groups.tolist()
            scores = judged.predictions.scores
            table = per_class_table(
                judged.predictions.classes, judged.truth, scores, judged.known, ties=rule, groups=groups
            )
            data["classes"] = [
                numbers({"class": name, "n_labels": int(n), "lwlrap": float(value)})
                for name, n, value in zip(table.classes, table.n_labels, table.lwlrap, strict=True)
            ]
            text.append(classes_as_text(table))
        other = _partner(place, judged.predictions, others, lone=not path.is_dir())
        if other is not None:
            gain = compare(judged, next(iter(_judged([other], truth, console).values())), rule, n_resamples)
            data["difference"] = {"against": str(other), **numbers(gain._asdict())}
            text.append(f"{other} is better by {gain.value:+.4f} ({_certainty(gain)})")
            n_compared += 1
        elif against is not None:
            console.say(f"'{against}' predicts none of the clips of '{place}'; these are not compared")
        found.append(data)
        if not as_json:
            print("\n".join(text))
    if as_json:
        print(json.dumps(found, indent=1, allow_nan=False))
    if against is not None and not n_compared:
        raise DataError(f"'{against}' and '{path}' predict no clip in common; compare predictions of the same clips")
    return 0


def _certainty(gain: Difference) -> str:
    if math.isnan(gain.low):
        return "no interval from a single clip or group"
    return f"95 % interval {gain.low:+.4f} to {gain.high:+.4f}, better in {100 * gain.p_b_better:.0f} % of resamples"


def _judged(places: list[Path], truth: Path, console: Console) -> dict[Path, Judged]:
    """Every table of which the truth knows a clip; the others are passed over with a word.

    Raises:
        DataError: the truth knows no clip of any table, or it and a table do not fit together.
    """
    found: dict[Path, Judged] = {}
    for number, place in enumerate(places, start=1):
        predictions = read_predictions(place)
        manifest = read_truth(truth, predictions.classes)
        is_last_chance = number == len(places) and not found
        if not is_labelled(predictions, manifest) and not is_last_chance:
            console.say(f"'{truth}' labels no clip of '{place}'; it is not scored")
            continue
        found[place] = judge(predictions, manifest, quarantined(place, manifest))
        if found[place].without:
            console.say(f"{place.stem}: {len(found[place].without)} clips without prediction (quarantined)")
    return found


def _partner(place: Path, predictions: Predictions, others: dict[str, Path], *, lone: bool) -> Path | None:
    """The other table of the same part: the one of the same name, or the only one there is to choose from."""
    by_name = {place.stem: others[place.stem]} if place.stem in others else {}
    for other in (by_name or (others if lone or len(others) == 1 else {})).values():
        if not set(predictions.ids).isdisjoint(read_predictions(other).ids):
            return other
    return None
