"""What an ensemble is worth beside its members: one table a part, and the paired gains."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from earmark.core.predictions import Predictions
from earmark.ensemble.blends.arithmetic import Arithmetic
from earmark.ensemble.blends.blend import Blend
from earmark.ensemble.blends.rank import Rank
from earmark.ensemble.members import Members
from earmark.metrics import Difference, Interval, lwlrap, lwlrap_difference, lwlrap_interval, mean_average_precision
from earmark.reports.tables import text_table
from earmark.reports.wording import span
from earmark.stages.score import Judged, numbers


@dataclass(frozen=True, eq=False)
class Scored:
    """A part with its labels, what the members say of it, and what the blend says."""

    part: str
    judged: Judged
    members: Members
    blended: Predictions
    blend: Blend

    @property
    def candidates(self) -> dict[str, Predictions]:
        """Everything that is compared, by what it is called: the members, their plain mean, and the blend."""
        tables = {name: self.members.table(name) for name in self.members.names}
        plain = Rank() if self.members.link == "rank" else Arithmetic()
        if len(self.members) > 1 and self.blend != plain:
            tables["(plain mean)"] = plain.fit(self.members)(self.members)
        learnt = "learnt on other folds" if self.blend.is_fitted and self.part == "held out" else self.blend.kind
        return {**tables, f"(blend, {learnt})": self.blended}


class Standing(NamedTuple):
    """How good one candidate is."""

    name: str
    usage: str
    lwlrap: Interval
    mean_ap: float

    @property
    def data(self) -> dict[str, Any]:
        """As plain data."""
        row = {"name": self.name, "usage": self.usage, "lwlrap": numbers(self.lwlrap._asdict())}
        return {**row, **numbers({"map": self.mean_ap})}


class Gain(NamedTuple):
    """How much better the blend is than another candidate, on the same resamples."""

    over: str
    difference: Difference

    @property
    def data(self) -> dict[str, Any]:
        """As plain data."""
        return {"over": self.over, **numbers(self.difference._asdict())}


def standings(scored: Scored, *, n_resamples: int) -> tuple[list[Standing], list[Gain]]:
    """A row for each candidate, and for the blend one for each usage; then its gains over the best member and the mean.

    The best member is the best on these very clips, which is a little too good for it.
    """
    judged = scored.judged
    tables = {
        name: table.aligned(judged.predictions.ids, judged.predictions.classes).scores
        for name, table in scored.candidates.items()
    }
    blended = list(tables)[-1]
    every = np.ones(len(judged.usage), np.bool_)
    rows = [_standing(judged, name, "", table, every, n_resamples) for name, table in tables.items()]
    for usage in sorted(set(judged.usage) - {""}, reverse=True):
        mask = judged.usage == usage
        if not mask.all() and (judged.truth[mask] * judged.known[mask]).any():
            rows.append(_standing(judged, blended, str(usage), tables[blended], mask, n_resamples))
    own = [row for row in rows if row.name in scored.members.names]
    best = max(own, key=lambda row: row.lwlrap.value).name
    rivals = [best] + (["(plain mean)"] if "(plain mean)" in tables else [])
    return rows, [Gain(name, _gain(judged, tables[name], tables[blended], n_resamples)) for name in rivals]


def league(part: str, rows: Sequence[Standing], gains: Sequence[Gain], weights: Mapping[str, float]) -> list[str]:
    """The rows and gains of a part for a terminal; weights are left out where all are the same."""
    cells: list[list[str | float | None]] = []
    for row in rows:
        called = f"{row.name}, {row.usage}" if row.usage else row.name
        interval = span(row.lwlrap.low, row.lwlrap.high)
        cells.append([called, weights.get(row.name), row.lwlrap.value, interval, row.mean_ap])
    header = [part, "weight", "lwlrap", "95 % interval", "mAP"]
    if len(set(weights.values())) < 2:
        header, cells = header[:1] + header[2:], [row[:1] + row[2:] for row in cells]
    lines = [text_table(header, cells)]
    for over, gain in gains:
        said = span(gain.low, gain.high) if math.isfinite(gain.low) else "none"
        whom = "the plain mean" if over == "(plain mean)" else f"'{over}', the best member"
        lines.append(f"{part}: the blend gains {gain.value:+.4f} over {whom} (95 % interval {said})")
    return lines


def _standing(
    judged: Judged, name: str, usage: str, scores: np.ndarray, mask: np.ndarray, n_resamples: int
) -> Standing:
    truth, known = judged.truth[mask], judged.known[mask]
    groups = None if judged.groups is None else judged.groups[mask].tolist()
    mean_ap = mean_average_precision(truth, scores[mask], known) if (truth > 0).any() else math.nan
    if len(truth if groups is None else set(groups)) < 2:
        value = lwlrap(truth, scores[mask], known=known)
        return Standing(name, usage, Interval(value, math.nan, math.nan), mean_ap)
    interval = lwlrap_interval(truth, scores[mask], known=known, groups=groups, n_resamples=n_resamples, seed=0)
    return Standing(name, usage, interval, mean_ap)


def _gain(judged: Judged, rival: np.ndarray, blended: np.ndarray, n_resamples: int) -> Difference:
    groups = None if judged.groups is None else judged.groups.tolist()
    if len(judged.truth if groups is None else set(groups)) < 2:
        value = lwlrap(judged.truth, blended, known=judged.known) - lwlrap(judged.truth, rival, known=judged.known)
        return Difference(value, math.nan, math.nan, math.nan)
    return lwlrap_difference(
        judged.truth, rival, blended, known=judged.known, groups=groups, n_resamples=n_resamples, seed=0
    )
