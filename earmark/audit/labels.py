"""What the labels say before anybody listens: how many, of what, together with what, and where some are missing.

Counted are the labels that hold and say "present". Seconds of a class are those of the clips that have it.
"""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

from earmark.audit.survey import SETS, set_of
from earmark.core.manifest import Manifest


class LabelTables(NamedTuple):
    """Tables about labels."""

    sets: pl.DataFrame
    """A row a set: ``set``, ``clips``, ``hours``, ``labelled`` (clips with a label), ``labels``, ``labels_a_clip`` (of
    those labelled), ``density`` (that as a share of the classes), ``several`` (share of the labelled with more than
    one), ``classes`` (that have a label), ``label_sets`` (distinct)."""
    classes: pl.DataFrame
    """A row a class and set: ``class``, ``set``, ``labels``, ``alone`` (clips with no other label), ``seconds``."""
    folds: pl.DataFrame
    """A row a class and fold of the trusted training clips: ``class``, ``fold``, ``labels``; zeros are listed."""
    per_clip: pl.DataFrame
    """A row a set and number of labels: ``set``, ``labels``, ``clips``."""
    together: pl.DataFrame
    """A row a set and pair of classes that come together: ``set``, ``a``, ``b``, ``clips``, ``expected`` (were they
    independent), ``lift`` (how many times more often than that)."""
    label_sets: pl.DataFrame
    """A row a set and combination of labels: ``set``, ``labels`` (joined by commas), ``clips``, most often first."""


def label_tables(manifest: Manifest) -> LabelTables:
    """Count the labels of a manifest."""
    clips = manifest.clips.select("id", set_of(), "part", "origin", "fold", "seconds")
    present = manifest.current().filter(pl.col("state") == "present").select(id="clip", label="label")
    said = present.join(clips, on="id")
    n_labels = said.group_by("id").agg(n=pl.len(), combination=pl.col("label").sort().str.join(","))
    of_clip = clips.join(n_labels, on="id", how="left").with_columns(pl.col("n").fill_null(0))
    return LabelTables(
        _sets(of_clip, said, len(manifest.classes)),
        _classes(said.join(n_labels, on="id"), manifest, clips["set"].unique().to_list()),
        _folds(said, clips, manifest),
        in_order(
            of_clip.group_by("set", labels="n").agg(clips=pl.len()).with_columns(pl.col("clips").cast(pl.Int64)),
            "labels",
        ),
        _together(said),
        _label_sets(of_clip),
    )


def labels_of(manifest: Manifest) -> dict[str, tuple[str, ...]]:
    """The labels of each clip that has any."""
    present = manifest.current().filter(pl.col("state") == "present")
    table = present.group_by("clip").agg(pl.col("label").sort())
    return {clip: tuple(labels) for clip, labels in table.iter_rows()}


def short_classes(folds: pl.DataFrame, fewest: int) -> pl.DataFrame:
    """The rows of `LabelTables.folds` with fewer labels than that, the fewest first."""
    return folds.filter(pl.col("labels") < fewest).sort("labels", "class", "fold")


def in_order(table: pl.DataFrame, *then: str | pl.Expr) -> pl.DataFrame:
    """The rows by set, in the order in which sets are shown, and then by these columns."""
    place = pl.col("set").replace_strict({name: at for at, name in enumerate(SETS)}, return_dtype=pl.Int64)
    return table.sort(place, *then)


def _sets(of_clip: pl.DataFrame, said: pl.DataFrame, n_classes: int) -> pl.DataFrame:
    labelled = pl.col("n") > 0
    table = of_clip.group_by("set").agg(
        clips=pl.len().cast(pl.Int64),
        hours=pl.col("seconds").sum() / 3600,
        labelled=labelled.sum().cast(pl.Int64),
        labels=pl.col("n").sum().cast(pl.Int64),
        labels_a_clip=pl.col("n").filter(labelled).mean(),
        density=pl.col("n").filter(labelled).mean() / max(1, n_classes),
        several=(pl.col("n").filter(labelled) > 1).mean(),
        label_sets=pl.col("combination").drop_nulls().n_unique().cast(pl.Int64),
    )
    classes = said.group_by("set").agg(classes=pl.col("label").n_unique().cast(pl.Int64))
    return in_order(table.join(classes, on="set", how="left").with_columns(pl.col("classes").fill_null(0)))


def _classes(said: pl.DataFrame, manifest: Manifest, sets: list[str]) -> pl.DataFrame:
    every = pl.DataFrame({"class": manifest.classes}, schema={"class": pl.String}).join(
        pl.DataFrame({"set": sets}), how="cross"
    )
    counts = said.group_by(pl.col("label").alias("class"), "set").agg(
        labels=pl.len().cast(pl.Int64), alone=(pl.col("n") == 1).sum().cast(pl.Int64), seconds=pl.col("seconds").sum()
    )
    filled = every.join(counts, on=["class", "set"], how="left").with_columns(
        pl.col("labels", "alone").fill_null(0), pl.col("seconds").fill_null(0.0)
    )
    return in_order(filled, "class").select("class", "set", "labels", "alone", "seconds")


def _folds(said: pl.DataFrame, clips: pl.DataFrame, manifest: Manifest) -> pl.DataFrame:
    trusted = (pl.col("part") == "train") & (pl.col("origin") == "curated") & pl.col("fold").is_not_null()
    folds = clips.filter(trusted).select("fold").unique()
    every = pl.DataFrame({"class": manifest.classes}, schema={"class": pl.String}).join(folds, how="cross")
    counts = said.filter(trusted).group_by(pl.col("label").alias("class"), "fold").agg(labels=pl.len().cast(pl.Int64))
    return (
        every.join(counts, on=["class", "fold"], how="left")
        .with_columns(pl.col("labels").fill_null(0))
        .sort("class", "fold")
    )


def _together(said: pl.DataFrame) -> pl.DataFrame:
    one = said.select("id", "set", a="label")
    pairs = one.join(one.select("id", b="a"), on="id").filter(pl.col("a") < pl.col("b"))
    counts = pairs.group_by("set", "a", "b").agg(clips=pl.len().cast(pl.Int64))
    n_of = said.group_by("set", "label").agg(n=pl.len())
    n_clips = said.group_by("set").agg(n_clips=pl.col("id").n_unique())
    table = (
        counts.join(n_of.rename({"label": "a", "n": "n_a"}), on=["set", "a"])
        .join(n_of.rename({"label": "b", "n": "n_b"}), on=["set", "b"])
        .join(n_clips, on="set")
        .with_columns(expected=pl.col("n_a") * pl.col("n_b") / pl.col("n_clips"))
        .with_columns(lift=pl.col("clips") / pl.col("expected"))
    )
    return in_order(table, -pl.col("clips"), -pl.col("lift"), "a", "b").select(
        "set", "a", "b", "clips", "expected", "lift"
    )


def _label_sets(of_clip: pl.DataFrame) -> pl.DataFrame:
    counts = of_clip.filter(pl.col("n") > 0).group_by("set", labels="combination").agg(clips=pl.len().cast(pl.Int64))
    return in_order(counts, -pl.col("clips"), "labels")
