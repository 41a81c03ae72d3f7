"""Nets judged by the noisy clips that they held out: clips without a class are left out, gains are paired."""

from __future__ import annotations

import numpy as np
import polars as pl

from bench.domain import table
from earmark.core.manifest import Manifest
from earmark.core.predictions import Predictions

CLASSES = ("Bark", "Rain", "Wind")


def test_clips_with_a_class_judge_and_arms_are_compared_on_folds_of_both() -> None:
    ids = [f"n{number:02d}" for number in range(40)]
    clips = pl.DataFrame({"id": ids, "file": ids, "origin": "noisy", "part": "train"})
    labels = [(name, CLASSES[number % 3]) for number, name in enumerate(ids) if number % 4]
    said = pl.DataFrame(labels, schema=["clip", "label"], orient="row")
    truth = Manifest.of(clips, said, classes=CLASSES)
    right = truth.targets(ids).values.astype(np.float64)
    turned = Predictions(tuple(ids), CLASSES[::-1], right[:, ::-1].copy())
    wrong = Predictions(tuple(ids), CLASSES, -right)
    key = ("1", 1)
    found = table({"first": {key: wrong}, "second": {key: turned}, "elsewhere": {("3", 1): turned}}, truth)
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in found.splitlines()[2:]]
    assert [row[:3] for row in rows] == [["first", "1", "30"], ["second", "1", "30"], ["elsewhere", "1", "30"]]
    assert rows[1][3].startswith("1.000") and rows[1][4].startswith("+0.") and rows[0][4] == rows[2][4] == ""
