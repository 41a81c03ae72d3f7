"""What an audit found, in sentences, what matters most first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import polars as pl

from earmark.audit.adversary import ALL, Verdict
from earmark.audit.atlas import Atlas
from earmark.audit.duplicates import Duplicates
from earmark.audit.labels import LabelTables, short_classes
from earmark.audit.measures import said
from earmark.audit.settings import AuditSettings

Gravity = Literal["leak", "fault", "difference", "note"]
GRAVITIES: tuple[Gravity, ...] = ("leak", "fault", "difference", "note")
"""What a finding means: scores will be too good; something needs mending; parts differ; good to know."""

# What is told of two sets: measure, and what the clips of the second one are where it lies higher, or lower.
_TOLD = {
    "rms_db": ("are louder", "are quieter"),
    "seconds": ("are longer", "are shorter"),
    "silence": ("have more silence in them", "have less silence in them"),
    "quiet_db": ("have more background", "have less background"),
    "crest_db": ("are less squashed", "are more squashed"),
    "band_limit_hz": ("reach higher frequencies", "end at lower frequencies, as lossy coding leaves them,"),
    "centroid_hz": ("are brighter", "are duller"),
    "clipped": ("are clipped more", "are clipped less"),
}
# How well two sets can be told apart, in words: from this area under the curve on.
_APART = (
    (0.95, "can be told apart with ease"),
    (0.8, "can mostly be told apart"),
    (0.6, "can sometimes be told apart"),
)
# Labels a clip that differ by such a factor are told.
_MANY_MORE_LABELS = 1.15
# Intervals are a little too narrow for few clips: what just misses 0.5 is nothing to tell.
_SURE_AUC = 0.55
_MOST_NAMED = 5


class Finding(NamedTuple):
    """One thing that was found."""

    gravity: Gravity
    text: str


@dataclass(frozen=True, eq=False)
class Found:
    """Everything that an audit found.

    Args:
        labels: what the labels say.
        suspects: clips that are hardly sound, see `earmark.audit.suspects`.
        duplicates: clips that sound the same.
        contrasts: how sets differ, see `earmark.audit.contrasts`.
        verdicts: which sets can be told apart.
        atlas: the map and what neighbours say.
        quarantine: the files that could not be read, with a ``reason``.
    """

    labels: LabelTables
    suspects: pl.DataFrame
    duplicates: Duplicates
    contrasts: pl.DataFrame
    verdicts: tuple[Verdict, ...]
    atlas: Atlas
    quarantine: pl.DataFrame


def findings(found: Found, settings: AuditSettings) -> tuple[Finding, ...]:
    """The findings, leaks first."""
    sources = (
        _leaks(found.duplicates),
        _unusable(found.quarantine),
        _suspicious(found.suspects),
        _contradicting(found.duplicates),
        _labels(found.labels, settings),
        _differing(found.contrasts, settings),
        _telling(found.verdicts),
        _neighbours(found.atlas),
    )
    every = [finding for source in sources for finding in source]
    return tuple(sorted(every, key=lambda finding: GRAVITIES.index(finding.gravity)))


def _leaks(duplicates: Duplicates) -> Iterator[Finding]:
    words = {"exact": ("an exact copy", "exact copies"), "near": ("a near copy", "near copies")}
    for kind, copies in words.items():
        pairs = duplicates.of("train and test", kind)
        if pairs.height:
            n = _n_clips(pairs, "set", "test")
            are = f"test clip is {copies[0]} of a training clip", f"test clips are {copies[1]} of training clips"
            score = f"a score on {'it' if n == 1 else 'them'} is memory"
            yield Finding("leak", f"{_count(n, *are)} ({_count(pairs.height, 'pair')}); {score}")
    for kind, copies in words.items():
        pairs = duplicates.of("across folds", kind)
        if pairs.height:
            n = _n_clips(pairs, "set", "curated")
            have = f"curated clip has {copies[0]} in another fold", f"curated clips have {copies[1]} in other folds"
            cure = "give clips of one recording the same group, or the same fold"
            yield Finding("leak", f"{_count(n, *have)} ({_count(pairs.height, 'pair')}); {cure}")
    pairs = duplicates.pairs.filter(pl.col("where") == "elsewhere")
    if pairs.height:
        n_exact = int((pairs["kind"] == "exact").sum())
        yield Finding(
            "note",
            f"{_count(pairs.height, 'more pair')} within a fold or part {'sounds' if pairs.height == 1 else 'sound'} "
            f"the same ({n_exact} to the sample)",
        )


def _n_clips(pairs: pl.DataFrame, column: str, wanted: str) -> int:
    """How many different clips of a set are in these pairs."""
    sides = (pairs.filter(pl.col(f"{column}_{side}") == wanted)[side] for side in "ab")
    return len({name for side in sides for name in side})


def _unusable(quarantine: pl.DataFrame) -> Iterator[Finding]:
    if quarantine.height:
        reasons = quarantine["reason"].value_counts(sort=True).rows()
        words = ", ".join(f"{n} {reason.replace('_', ' ')}" for reason, n in reasons)
        yield Finding("fault", f"{_count(quarantine.height, 'file')} cannot be used ({words}); see quarantine.csv")


def _suspicious(suspects: pl.DataFrame) -> Iterator[Finding]:
    for fault, table in suspects.group_by("fault", maintain_order=True):
        sets = ", ".join(f"{n} {name}" for name, n in table["set"].value_counts(sort=True).rows())
        words = {
            "silent": "silent from end to end",
            "mostly silent": "silent most of the time",
            "clipped": "clipped",
            "offset": "shifted away from zero",
        }[str(fault[0])]
        yield Finding("fault", f"{_count(table.height, 'clip is', 'clips are')} {words} ({sets})")


def _contradicting(duplicates: Duplicates) -> Iterator[Finding]:
    exact = duplicates.pairs.filter((pl.col("kind") == "exact") & ~pl.col("same_labels"))
    labelled = exact.filter((pl.col("labels_a") != "") & (pl.col("labels_b") != ""))
    if labelled.height:
        pairs = _count(labelled.height, "pair")
        yield Finding("fault", f"{pairs} of exact copies carr{'ies' if labelled.height == 1 else 'y'} different labels")


def _labels(labels: LabelTables, settings: AuditSettings) -> Iterator[Finding]:
    counts = labels.classes.pivot("set", index="class", values="labels").sort("class")
    sets = [name for name in counts.columns if name != "class"]
    trusted = "curated" if "curated" in sets else ""
    for name in ("curated", "test"):
        if name in sets and counts[name].sum():
            without = counts.filter(pl.col(name) == 0)["class"].to_list()
            if without:
                where = "among the curated clips" if name == trusted else "in the test part"
                yield Finding(
                    "fault", f"{_count(len(without), 'class has', 'classes have')} no label {where}: {_named(without)}"
                )
    if labels.folds.height:
        short = short_classes(labels.folds, settings.fewest_labels)
        names = short["class"].unique(maintain_order=True).to_list()
        empty = short.filter(pl.col("labels") == 0)["class"].unique(maintain_order=True).to_list()
        if names:
            yield Finding(
                "fault",
                f"{_count(len(names), 'class has', 'classes have')} fewer than {settings.fewest_labels} curated labels "
                f"in some fold ({len(empty)} none at all): {_named(names)}; what is measured there means little",
            )
    rates = {row["set"]: row["labels_a_clip"] for row in labels.sets.to_dicts() if row["labels_a_clip"]}
    if {"curated", "test"} <= rates.keys() and rates["test"] > _MANY_MORE_LABELS * rates["curated"]:
        yield Finding(
            "difference",
            f"test clips have {rates['test']:.2f} labels each and curated ones {rates['curated']:.2f}: some labels of "
            "the training part may be missing",
        )


def _differing(contrasts: pl.DataFrame, settings: AuditSettings) -> Iterator[Finding]:
    if not contrasts.height:
        return
    told = contrasts.filter(pl.col("measure").is_in(list(_TOLD)) & (pl.col("delta").abs() >= settings.effect))
    for row in told.filter(pl.col("a") == contrasts["a"].first()).sort(-pl.col("delta").abs()).to_dicts():
        words = _TOLD[row["measure"]][row["delta"] < 0]
        gap = row["median_b"] - row["median_a"]
        by = f" by {said(row['measure'], abs(gap))}" if row["measure"] in ("rms_db", "seconds") and gap else ""
        yield Finding(
            "difference",
            f"{row['b']} clips {words} than {row['a']} ones{by} (median {said(row['measure'], row['median_b'])} "
            f"against {said(row['measure'], row['median_a'])}, effect {row['delta']:+.2f})",
        )


def _telling(verdicts: tuple[Verdict, ...]) -> Iterator[Finding]:
    for verdict in verdicts:
        area = verdict.auc[ALL]
        words = f"AUC {area.value:.3f}, 95 % interval {area.low:.3f} to {area.high:.3f}"
        how = next((how for least, how in _APART if area.value >= least and area.low > _SURE_AUC), "")
        if how:
            most = f"; most telling: {verdict.telling[0].feature}" if verdict.telling else ""
            yield Finding("difference", f"{verdict.a} and {verdict.b} clips {how} by their sound ({words}){most}")
        else:
            yield Finding(
                "note", f"{verdict.a} and {verdict.b} clips can hardly be told apart by their sound ({words})"
            )


def _neighbours(atlas: Atlas) -> Iterator[Finding]:
    for found in atlas.agreements:
        if found.learnt == found.judged and np.isfinite(found.accuracy):
            yield Finding(
                "note",
                f"the five nearest {found.learnt} neighbours name the class of {100 * found.accuracy:.0f} % of the "
                f"{found.n_clips} {found.judged} clips with one label (by {atlas.made_of}; naming the commonest class "
                f"would be right for {100 * found.commonest:.0f} %)",
            )


def _count(n: int, one: str, many: str | None = None) -> str:
    return f"{n} {one if n == 1 else many or one + 's'}"


def _named(names: list[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more
