"""The file that a challenge wants: scores of its clips in its columns and its order."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl

from earmark.core.errors import DataError
from earmark.core.files import write_atomically
from earmark.core.predictions import Link, Predictions
from earmark.data.tables import read_csv


def submission(predictions: Predictions, sample: Path, *, link: Link | None = None) -> pl.DataFrame:
    """The scores as the challenge's sample has them: its columns, its rows, both in its order.

    Scores are written in full precision, as rounding would make ties. Their link does not matter to lwlrap.

    Args:
        predictions: of exactly the clips and classes of the sample.
        sample: a csv whose first column names clips, and every other one a class.
        link: the link to bring the scores onto; none leaves them.

    Raises:
        DataError: the sample is no such table; a clip or a class is missing or extra; a score is infinite.
    """
    table = read_csv(sample)
    key, *classes = table.columns
    clips = table[key].to_list()
    if not classes:
        raise DataError(f"'{sample}' has one column, '{key}', and no class; name the sample submission", sample)
    if len(set(clips)) != len(clips):
        twice = next(name for name in clips if clips.count(name) > 1)
        raise DataError(f"'{sample}' names clip '{twice}' {clips.count(twice)} times; name the sample as it was given")
    _same("class", "classes", predictions.classes, classes, sample)
    _same("clip", "clips", predictions.ids, clips, sample)
    ordered = (predictions if link is None else predictions.on(link)).aligned(clips, classes)
    if not np.isfinite(ordered.scores).all():
        row = int(np.argwhere(~np.isfinite(ordered.scores))[0][0])
        raise DataError(f"clip '{clips[row]}' has an infinite score, which no grader reads; predict it again")
    # In float64 the text says the very value of a float32.
    scores = ordered.scores.astype(np.float64)
    return pl.DataFrame({key: clips} | {name: scores[:, column] for column, name in enumerate(classes)})


def write_submission(table: pl.DataFrame, path: Path) -> None:
    """Write a submission, whole or not at all.

    Raises:
        DataError: it is not to be a csv, or cannot be written.
    """
    if path.suffix != ".csv":
        raise DataError(f"a submission is a csv, got '{path}'; let --out end in .csv", path)
    write_atomically(path, table.write_csv)


def _same(one: str, many: str, ours: Sequence[str], wanted: Sequence[str], sample: Path) -> None:
    """Refuse predictions that lack what the sample has, or have what it lacks."""
    missing, extra = sorted(set(wanted) - set(ours)), sorted(set(ours) - set(wanted))
    if missing:
        raise DataError(
            f"the predictions lack {len(missing)} of {len(wanted)} {many} of '{sample}', first {one} '{missing[0]}'"
            + (f", and have {len(extra)} others, first '{extra[0]}'" if extra else "")
            + f"; predict all of the sample's {many}"
        )
    if extra:
        raise DataError(
            f"the predictions have {len(extra)} {many} that '{sample}' does not have, first {one} '{extra[0]}'; give "
            f"predictions of the sample's {many} alone"
        )
