"""The members of an ensemble side by side: what several models say of the same clips.

Members are named, and kept in the order of their names; clips are kept in the order of their ids. So nothing depends on
the order in which files were listed or their rows written. Scores are [members, clips, classes] in float64, all on one
link and all finite.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Bool, Float64, Int64
from numpy.typing import NDArray

from earmark.core.errors import DataError
from earmark.core.predictions import Link, Predictions
from earmark.core.settings import nearest


@dataclass(frozen=True, eq=False)
class Members:
    """Scores of several models for the same clips; make them with `Members.of`.

    Args:
        names: of the members, in alphabetical order.
        ids: the clips, in alphabetical order.
        classes: as the first member has them.
        scores: [members, clips, classes].
        link: what the scores are.
        folds: the fold that held out each clip, the same for every member; none where a member does not say.
    """

    names: tuple[str, ...]
    ids: tuple[str, ...]
    classes: tuple[str, ...]
    scores: Float64[np.ndarray, "members clips classes"]
    link: Link
    folds: Int64[np.ndarray, " clips"] | None = None

    @classmethod
    def of(cls, tables: Mapping[str, Predictions], *, link: Link | None = None) -> Members:
        """Put tables of scores side by side.

        Args:
            tables: one a member, by name.
            link: where every member is to be brought first; none takes the link that they share.

        Raises:
            DataError: there is none; they are on different links or of different vocabularies, have no clip in common,
                lack a fold or a clip that others have, disagree about folds, or hold scores that are not finite.
        """
        if not tables:
            raise DataError("an ensemble needs at least one table of predictions, got none; name some")
        by_name = {name: tables[name] for name in sorted(tables)}
        if link is not None:
            by_name = {name: table.on(link) for name, table in by_name.items()}
        names, parts = tuple(by_name), tuple(by_name.values())
        _one_link(by_name)
        _one_vocabulary(by_name)
        _same_folds(by_name)
        _same_clips(by_name)
        ids = tuple(sorted(parts[0].ids))
        aligned = [part.aligned(ids, parts[0].classes) for part in parts]
        for name, part in zip(names, aligned, strict=True):
            _finite(name, part)
        scores = np.stack([part.scores.astype(np.float64) for part in aligned])
        folds = None if any(part.folds is None for part in aligned) else aligned[0].folds
        return cls(names, ids, parts[0].classes, scores, parts[0].link, folds)

    def __len__(self) -> int:
        return len(self.names)

    def rows(self, chosen: Bool[np.ndarray, " clips"]) -> Members:
        """Some of the clips."""
        ids = tuple(name for name, is_in in zip(self.ids, chosen, strict=True) if is_in)
        folds = None if self.folds is None else self.folds[chosen]
        return replace(self, ids=ids, scores=self.scores[:, chosen], folds=folds)

    def only(self, names: Sequence[str]) -> Members:
        """Some of the members.

        Raises:
            DataError: there is no such member.
        """
        for name in names:
            if name not in self.names:
                raise DataError(f"there is no member '{name}' in the ensemble; {nearest(name, self.names)}")
        kept = tuple(name for name in self.names if name in set(names))
        return replace(self, names=kept, scores=self.scores[[self.names.index(name) for name in kept]])

    def table(self, name: str) -> Predictions:
        """What one member says."""
        return self.predictions(self.scores[self.names.index(name)], self.link)

    def predictions(self, scores: NDArray[Any], link: Link, provenance: Mapping[str, Any] | None = None) -> Predictions:
        """Scores [clips, classes] of the ensemble as predictions of these clips."""
        return Predictions(self.ids, self.classes, scores, link, self.folds, provenance or {})


def _one_link(tables: Mapping[str, Predictions]) -> None:
    (first, table), *others = tables.items()
    for name, other in others:
        if other.link != table.link:
            raise DataError(
                f"members must be on one link, but the scores of '{first}' are on '{table.link}' and those of '{name}' "
                f"on '{other.link}'; bring them onto one (--link probability, or --link rank)"
            )


def _one_vocabulary(tables: Mapping[str, Predictions]) -> None:
    (first, table), *others = tables.items()
    for name, other in others:
        for one, two, whose in ((table, other, first), (other, table, name)):
            lacking = sorted(set(one.classes) - set(two.classes))
            if lacking:
                raise DataError(
                    f"members '{first}' and '{name}' are over different vocabularies: only '{whose}' knows class "
                    f"'{lacking[0]}' ({nearest(lacking[0], two.classes)}); blend models of one vocabulary"
                )


def _same_folds(tables: Mapping[str, Predictions]) -> None:
    """Members that say which fold held out each clip agree about it, and none lacks a whole fold."""
    folded = {name: table for name, table in tables.items() if table.folds is not None}
    said = {name: _folds_of(table) for name, table in folded.items()}
    every = {fold for folds in said.values() for fold in folds.values() if fold >= 0}
    for name, folds in said.items():
        lacking = sorted(every - set(folds.values()))
        shares = any(not folds.keys().isdisjoint(other) for whose, other in said.items() if whose != name)
        if lacking and shares:
            whose = next(other for other, theirs in said.items() if lacking[0] in theirs.values())
            raise DataError(
                f"member '{name}' has no predictions of fold {lacking[0]}, which '{whose}' has; "
                "finish the training of that fold, or leave the member out"
            )
    for (first, folds), (name, others) in zip(list(said.items())[:-1], list(said.items())[1:], strict=True):
        other = next((clip for clip in folds if clip in others and folds[clip] != others[clip]), None)
        if other is not None:
            raise DataError(
                f"members '{first}' and '{name}' were made on different manifests: clip '{other}' was held out as fold "
                f"{folds[other]} by one and as fold {others[other]} by the other; blend runs over the same folds"
            )


def _folds_of(table: Predictions) -> dict[str, int]:
    assert table.folds is not None
    return dict(zip(table.ids, table.folds.tolist(), strict=True))


def _same_clips(tables: Mapping[str, Predictions]) -> None:
    (first, table), *others = tables.items()
    if not len(table):
        raise DataError(f"member '{first}' predicts no clip at all; predict some, or leave it out")
    for name, other in others:
        ours, theirs = set(table.ids), set(other.ids)
        if ours.isdisjoint(theirs):
            raise DataError(
                f"members '{first}' and '{name}' share no clips: one predicts {len(table)}, for example '{min(ours)}', "
                f"the other {len(other)}" + (f", for example '{min(theirs)}'" if theirs else "") + "; blend "
                "predictions of the same clips, and give the folds of one model one name (name=path)"
            )
        for one, two, whose, without in ((ours, theirs, first, name), (theirs, ours, name, first)):
            lacking = sorted(one - two)
            if lacking:
                raise DataError(
                    f"member '{without}' has no prediction for {len(lacking)} clips that '{whose}' has, first "
                    f"'{lacking[0]}'; predict the same clips with both"
                )


def _finite(name: str, table: Predictions) -> None:
    bad = ~np.isfinite(table.scores)
    if bad.any():
        row = int(np.argwhere(bad)[0][0])
        raise DataError(
            f"member '{name}' has {int(bad.sum())} infinite scores, first for clip '{table.ids[row]}'; "
            "a mean over them would mean nothing: predict these clips again"
        )
