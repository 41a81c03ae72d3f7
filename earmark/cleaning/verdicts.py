"""Verdicts as a table, one row for each (clip, class) that a rule spoke of, and the manifest that comes of them.

Columns: ``clip``, ``label``, ``given`` (what held before: present, absent or unknown), ``verdict``, ``p`` (the
calibrated chance that the class can be heard, null where nobody guessed), ``doubt`` (how likely what was given is at
fault), ``evidence`` (the numbers and the words behind it). Rows are in the order of clips and classes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from earmark.cleaning.case import Case
from earmark.cleaning.opinion import Opinion, Verdict
from earmark.core.errors import DataError
from earmark.core.manifest import Manifest

COLUMNS = {
    "clip": pl.String,
    "label": pl.String,
    "given": pl.String,
    "verdict": pl.String,
    "p": pl.Float64,
    "doubt": pl.Float64,
    "evidence": pl.String,
}
STATES = {"keep": "present", "add": "present", "drop": "absent", "out_of_vocabulary": "absent", "unknown": "unknown"}
"""What a label is after a verdict."""

Emptied = Literal["unlabelled", "noisy"]


@dataclass(frozen=True, eq=False)
class Verdicts:
    """What a rule said about the labels of a manifest."""

    table: pl.DataFrame
    by: str
    """Who says so, as the labels of the new manifest name it."""
    classes: tuple[str, ...]
    slices: Mapping[str, int] | None = None
    """The fold whose model alone learns from a clip, -1 for all of them; none where folds stay as they are."""

    @property
    def counts(self) -> dict[str, int]:
        """How many verdicts of each word there are."""
        found = dict(self.table["verdict"].value_counts().iter_rows())
        return {word: int(found.get(word, 0)) for word in STATES}

    def by_class(self) -> pl.DataFrame:
        """A row a class: ``label``, and how many verdicts of each word it got."""
        whole = pl.DataFrame({"label": self.classes}, schema={"label": pl.String})
        counts = [
            self.table.filter(pl.col("verdict") == word).group_by("label").agg(pl.len().cast(pl.Int64).alias(word))
            for word in STATES
        ]
        for each in counts:
            whole = whole.join(each, on="label", how="left", maintain_order="left")
        return whole.with_columns(pl.col(word).fill_null(0) for word in STATES)

    def doubtful(self, n: int) -> pl.DataFrame:
        """The n rows whose given state is most likely at fault, worst first."""
        worst = self.table.sort(["doubt", "clip", "label"], descending=[True, False, False], nulls_last=True)
        return worst.head(n)


def tabulate(case: Case, opinion: Opinion, p: NDArray[np.float64] | None, by: str) -> Verdicts:
    """An opinion as a table.

    Args:
        p: [clips, classes], calibrated chances; the rule's own take their place where it has some. None: unknown.
        by: who says so.

    Raises:
        DataError: the opinion says nothing about a given label, keeps one that was not given, or adds one that was.
    """
    _must_make_sense(case, opinion)
    p = opinion.p if opinion.p is not None else p
    rows, columns = np.nonzero(opinion.verdicts)
    words = np.array([verdict.word for verdict in Verdict])
    given = case.labels[rows, columns]
    chance = None if p is None else p[rows, columns]
    table = pl.DataFrame(
        {
            "clip": np.array(case.ids)[rows].tolist(),
            "label": np.array(case.classes)[columns].tolist(),
            "given": np.where(given, "present", "absent").tolist(),
            "verdict": words[opinion.verdicts[rows, columns]].tolist(),
            "p": [None] * len(rows) if chance is None else chance,
            "doubt": [None] * len(rows) if chance is None else np.where(given, 1 - chance, chance),
            "evidence": _evidence(opinion, rows, columns),
        },
        schema=COLUMNS,
    )
    slices = None if opinion.slices is None else dict(zip(case.ids, opinion.slices.tolist(), strict=True))
    return Verdicts(table, by, case.classes, slices)


def revise(manifest: Manifest, verdicts: Verdicts, emptied: Emptied = "unlabelled") -> Manifest:
    """The manifest after the verdicts: each is one more statement, and what was said before stays where it is.

    Args:
        emptied: the origin of judged clips that keep no label: ``unlabelled``, so that they teach no supervised part
            anything and what they lack is not taken for absent; or ``noisy``, as examples of none of the classes.

    A kept or added label is present, a dropped one or one out of vocabulary absent, each with how sure; what is unknown
    is neither, and losses pass over it.
    """
    state = pl.col("verdict").replace_strict(STATES, return_dtype=pl.String)
    sure = pl.when(state == "present").then("p").when(state == "absent").then(1 - pl.col("p")).clip(0, 1)
    said = verdicts.table.select("clip", "label", state=state, by=pl.lit(verdicts.by), confidence=sure)
    revised = manifest.revised(said)
    clips = revised.clips
    if emptied == "unlabelled":
        present = revised.current().filter(pl.col("state") == "present")["clip"].unique()
        empty = pl.col("id").is_in(said["clip"].unique().implode()) & ~pl.col("id").is_in(present.implode())
        clips = clips.with_columns(origin=pl.when(empty).then(pl.lit("unlabelled")).otherwise("origin"))
    if verdicts.slices is not None:  # every model learns from them, or one manifest a fold says which does
        judged = pl.col("id").is_in(list(verdicts.slices))
        clips = clips.with_columns(fold=pl.when(~judged).then("fold"))
    return Manifest.of(clips, revised.labels, classes=revised.classes, unlisted=revised.unlisted, root=revised.root)


def of_fold(manifest: Manifest, verdicts: Verdicts, fold: int) -> Manifest:
    """A revised manifest without the judged clips that belong to the models of other folds."""
    others = [clip for clip, own in (verdicts.slices or {}).items() if own not in (-1, fold)]
    return manifest.where(~pl.col("id").is_in(others))


def _evidence(opinion: Opinion, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> list[str]:
    """Names and numbers, then what other rules said, for each verdict."""
    parts = []
    for name, values in opinion.seen.items():
        numbers = values[rows] if values.ndim == 1 else values[rows, columns]
        parts.append([f"{name} {number:.4g}" for number in numbers])
    words = [verdict.word for verdict in Verdict]
    for kind, verdicts in opinion.said.items():
        parts.append([f"{kind}: {words[word]}" if word else "" for word in verdicts[rows, columns]])
    return ["; ".join(filter(None, each)) for each in zip(*parts, strict=True)] if parts else [""] * len(rows)


def _must_make_sense(case: Case, opinion: Opinion) -> None:
    """See that every given label has a verdict that fits a given label, and the others one that fits them."""
    said = opinion.verdicts
    for_given = (Verdict.KEEP, Verdict.DROP, Verdict.OUT_OF_VOCABULARY, Verdict.UNKNOWN)
    for_others = (Verdict.SILENT, Verdict.ADD, Verdict.UNKNOWN)
    wrong = np.where(case.labels, ~np.isin(said, for_given), ~np.isin(said, for_others))
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        raise DataError(
            f"a rule said '{Verdict(int(said[row, column])).word}' about the label '{case.classes[column]}' of clip "
            f"'{case.ids[row]}', which was {'given' if case.labels[row, column] else 'not given'}; mend the rule"
        )
