"""What the labels say, as parts of the audit's page."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from earmark.audit.findings import Found
from earmark.audit.labels import short_classes
from earmark.audit.settings import AuditSettings
from earmark.reports.page import Block, Grid, Picture, Prose
from earmark.reports.set_figures import class_counts
from earmark.reports.together_figures import together_map
from earmark.reports.wording import plural

_MOST_ROWS = 40


def set_blocks(found: Found) -> Iterator[Block]:
    """How many clips and labels each set has."""
    names = {
        "set": "set",
        "clips": "clips",
        "hours": "hours",
        "labels": "labels",
        "labels_a_clip": "labels a clip",
        "density": "density",
        "several": "share with several",
        "classes": "classes",
        "label_sets": "label sets",
    }
    yield Grid(
        list(names.values()),
        found.labels.sets.select(list(names)).rows(),
        caption="Labels a clip: of clips that have any. Density: the same as a share of the vocabulary.",
    )
    per_clip = found.labels.per_clip.sort("labels").pivot("labels", index="set", values="clips").fill_null(0)
    columns = [name if name == "set" else plural(int(name), "label") for name in per_clip.columns]
    yield Grid(columns, per_clip.rows(), caption="Clips by their number of labels")
    top = found.labels.label_sets.group_by("set", maintain_order=True).head(10)
    if top.height:
        yield Grid(
            ("set", "labels", "clips"),
            top.with_columns(pl.col("labels").str.replace_all(",", ", ")).rows(),
            folded="Commonest sets of labels",
        )


def class_blocks(found: Found, settings: AuditSettings) -> Iterator[Block]:
    """How often each class comes, and where it is short."""
    table = found.labels.classes
    if not table.height:
        yield Prose("The data name no class.", muted=True)
        return
    counts = table.pivot("set", index="class", values="labels")
    sets = [name for name in counts.columns if name != "class" and counts[name].sum()]
    if not sets:
        yield Prose("No clip has a label.", muted=True)
        return
    counts = counts.sort(sets[0], "class", descending=[True, False])
    values = {name: counts[name].to_numpy() for name in sets}
    figure = class_counts(counts["class"].to_list(), values)
    yield Picture(figure, "Labels of each class in each set", "Labels of each class, the commonest first.")
    seconds = table.pivot("set", index="class", values="seconds", aggregate_function="first")
    wide = counts.join(seconds, on="class", suffix=" s", maintain_order="left")
    columns = ["class", *(part for name in sets for part in (name, f"{name} s"))]
    yield Grid(columns, wide.select(columns).rows(), folded="All classes: labels and seconds", digits=0)
    short = short_classes(found.labels.folds, settings.fewest_labels)
    if short.height:
        folds = found.labels.folds.filter(pl.col("class").is_in(short["class"].unique().implode()))
        by_fold = folds.sort("fold").pivot("fold", index="class", values="labels").sort("class")
        columns = [name if name == "class" else f"fold {name}" for name in by_fold.columns]
        words = f"Classes with fewer than {settings.fewest_labels} curated labels in some fold"
        yield Grid(columns, by_fold.rows()[:_MOST_ROWS], caption=words, n_more=max(0, by_fold.height - _MOST_ROWS))


def together_blocks(found: Found, classes: tuple[str, ...]) -> Iterator[Block]:
    """Which labels come together."""
    pairs = found.labels.together
    if not pairs.height:
        yield Prose("No clip has two labels.", muted=True)
        return
    column = {name: at for at, name in enumerate(classes)}
    for (name,), table in pairs.group_by("set", maintain_order=True):
        counts = np.zeros((len(column), len(column)), np.int64)
        for _, a, b, n, *_ in table.iter_rows():
            counts[column[a], column[b]] = counts[column[b], column[a]] = n
        for row in found.labels.classes.filter(pl.col("set") == name).iter_rows(named=True):
            counts[column[row["class"]], column[row["class"]]] = row["labels"]
        figure = together_map(classes, counts)
        words = (
            f"{str(name).capitalize()} clips: in a square, how many clips of the row's class also have the column's."
        )
        folded = "" if name == pairs["set"][0] else f"The same of {name} clips"
        yield Picture(figure, f"Which labels come together in {name} clips", words, folded)
    often = pairs.filter(pl.col("clips") > 1).sort(-pl.col("lift"), "set", "a", "b")
    rows = often.select("a", "b", "set", "clips", "expected", "lift").rows()
    columns = ("class", "comes with", "set", "clips", "expected", "lift")
    yield Grid(columns, rows[:_MOST_ROWS], folded="Pairs that come more often than chance has it", digits=1)
