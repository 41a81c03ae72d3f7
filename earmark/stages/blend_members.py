"""Where the members of an ensemble come from: tables of scores and folders of runs, each under a name.

A member may consist of several tables. Tables of other clips are its folds and are put together; tables of the same
clips are its snapshots, its seeds, or its folds' models on the test part, and are averaged. So every clip must be in
equally many of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from earmark.core.errors import DataError, RunError
from earmark.core.manifest import Manifest
from earmark.core.predictions import CHOSE, HOLDS_OUT, Link, Predictions, pooled, sources
from earmark.data.tables import read_predictions
from earmark.ensemble.blends.blend import Blend
from earmark.ensemble.members import Members
from earmark.runs.folder import RunFolder
from earmark.runs.table_names import TableName

PARTS = ("held_out", "test", "noisy")
"""What tables of a run speak of."""

Places = Mapping[str, tuple[Path, ...]]


@dataclass(frozen=True)
class Found:
    """The tables of a member by the part of the data that they speak of."""

    tables: Places

    @property
    def files(self) -> tuple[Path, ...]:
        """All of them."""
        return tuple(place for places in self.tables.values() for place in places)


def find(
    sources: Sequence[str], test: Sequence[str] = (), *, snapshots: bool = False, way: str = ""
) -> dict[str, Found]:
    """The members that are meant.

    Args:
        sources: tables or folders of runs, ``path`` or ``name=path``; several of one name are one member. Without a
            name they are called by what tells their paths apart.
        test: tables of the clips that the ensemble is to score, called in the same way as the members.
        snapshots: whether the snapshots of each run speak for it instead of its last weights.
        way: what the way of hearing is called in which runs speak; empty for their own.

    Raises:
        DataError: there is nothing at a path, a folder holds no scores, or the two sides name other members.
    """
    wanted = _Wanted(way, snapshots)
    by_name, tested = named(sources), named(test)
    found = {name: _tables(name, places, wanted) for name, places in by_name.items()}
    if not tested:
        return found
    if tested.keys() != by_name.keys() and len(tested) == len(by_name) == 1:
        tested = dict(zip(by_name, tested.values(), strict=True))
    for name in sorted(tested.keys() ^ by_name.keys()):
        here, there = ("--test", "held-out") if name in tested else ("held-out", "--test")
        raise DataError(
            f"member '{name}' has {here} scores but no {there} ones; give both sides the same names "
            f"(there: {', '.join(sorted(by_name if name in tested else tested))}; write name=path)"
        )
    for name, places in tested.items():
        files = _tables(name, places, wanted).tables
        found[name] = Found({**found[name].tables, "test": files.get("test", files.get("", ()))})
    return found


def load(name: str, places: Sequence[Path], within: Blend, *, given: Link | None, link: Link | None) -> Predictions:
    """One table of the scores of a member.

    Args:
        places: its tables.
        within: how tables of the same clips are averaged.
        given: what scores are in files that do not say; none takes logits, but refuses what looks like chances.
        link: where each table is brought first; none leaves it.

    Raises:
        DataError: the tables do not fit together.
    """
    tables = {str(place): _read(place, given) for place in places}
    if link is not None:
        tables = {place: table.on(link) for place, table in tables.items()}
    groups: dict[frozenset[str], dict[str, Predictions]] = {}
    for place, table in tables.items():
        groups.setdefault(frozenset(table.ids), {})[place] = table
    counts = {len(group) for group in groups.values()}
    clips = [clip for ids in groups for clip in ids]
    if len(counts) > 1 or len(set(clips)) != len(clips):
        few = min(groups.values(), key=len)
        raise DataError(
            f"member '{name}' has not equally many tables for each clip: {len(few)} with clip "
            f"'{min(next(iter(few.values())).ids)}', but {max(counts)} elsewhere; a fold or a snapshot is missing, or "
            "two tables overlap in part"
        )
    parts = [_mean(group, within) for group in groups.values()]
    whole = parts[0] if len(parts) == 1 else pooled(parts)
    said = [dict(table.provenance) for table in tables.values()]
    return replace(whole, provenance={"files": sorted(tables), **_agreed(said)})


def with_folds(table: Predictions, manifest: Manifest | None, name: str) -> Predictions:
    """The same scores with the folds that the truth gives these clips, where the table has none.

    Raises:
        DataError: the truth names no folds of them.
    """
    if table.folds is not None:
        return table
    folds = {} if manifest is None else dict(manifest.clips.drop_nulls("fold").select("id", "fold").iter_rows())
    lost = next((clip for clip in table.ids if clip not in folds), None)
    if lost is not None:
        raise DataError(
            f"member '{name}' does not say which fold held out clip '{lost}', and neither does the truth; add a column "
            "'fold' to its table, or name a data folder with folds as the truth"
        )
    return replace(table, folds=np.array([folds[clip] for clip in table.ids], dtype=np.int64))


def named(sources: Sequence[str]) -> dict[str, list[Path]]:
    """Paths by the name of their member, ``path`` or ``name=path``; see `find`.

    Raises:
        DataError: a path is named twice.
    """
    found: dict[str, list[Path]] = {}
    bare: list[Path] = []
    for source in sources:
        name, equals, rest = source.partition("=")
        if equals and name and rest and not Path(source).exists():
            found.setdefault(name, []).append(Path(rest))
        else:
            bare.append(Path(source))
    for name, place in zip(_names(bare), bare, strict=True):
        if place in found.get(name, []):
            raise DataError(f"'{place}' is named twice; an ensemble hears each model once")
        found.setdefault(name, []).append(place)
    return found


def _names(places: Sequence[Path]) -> list[str]:
    """What tells paths apart: their last parts, or, where these are alike, the parts between what all share.

    >>> _names([Path("runs/a/predictions/test.parquet"), Path("runs/b/predictions/test.parquet")])
    ['a', 'b']
    >>> _names([Path("oof/one.csv"), Path("other/two.csv")])
    ['one', 'two']
    """
    parts = [_bare(place).parts for place in places]
    if len(set(parts)) != len(parts) or len(places) < 2:
        return [each[-1] if each else str(place) for each, place in zip(parts, places, strict=True)]
    last = [each[-1] for each in parts]
    if len(set(last)) == len(last):
        return last
    shortest = min(map(len, parts))
    behind = next((n for n in range(shortest) if len({each[-1 - n] for each in parts}) > 1), 0)
    parts = [each[: len(each) - behind] for each in parts]
    shared = 0
    while shared + 1 < min(map(len, parts)) and len({each[shared] for each in parts}) == 1:
        shared += 1
    return ["/".join(each[shared:]) for each in parts]


def _bare(place: Path) -> Path:
    """A path without what every run calls alike."""
    bare = place.with_suffix("") if place.suffix else place
    return bare.parent.parent if bare.name in PARTS and bare.parent.name == "predictions" else bare


class _Wanted(NamedTuple):
    """Which tables of a run speak for it."""

    way: str
    snapshots: bool

    def of(self, run: RunFolder, part: str) -> list[Path]:
        """Those of a part that are there."""
        found = run.tables(part).items()
        return [table for name, table in found if name.way == self.way and (name.epoch is not None) == self.snapshots]

    def lacking(self, folder: Path, runs: Sequence[RunFolder]) -> DataError:
        """What to do where a folder has none."""
        ways = sorted({name.way for run in runs for name in run.tables("held_out") if self._is_like(name)})
        hint = ", ".join(f"'{each}' (--as {each})" if each else "the run's own (without --as)" for each in ways)
        example = TableName("held_out", self.way, 10 if self.snapshots else None)
        whose = "scores of snapshots" if self.snapshots else "scores"
        heard = f" heard as '{self.way}'" if self.way else ""
        todo = f"there are: {hint}" if ways else "make them with earmark predict --part held_out --part test"
        if self.snapshots and not ways:
            todo = f"train with training.snapshots: true, and {todo} --snapshots"
        return DataError(
            f"'{folder}' holds no {whose}{heard} (predictions/{example}.parquet and so on); {todo}", folder
        )

    def _is_like(self, name: TableName) -> bool:
        return (name.epoch is not None) == self.snapshots


def _tables(name: str, places: Sequence[Path], wanted: _Wanted) -> Found:
    """The tables at some paths; those of plain files are under ``""`` unless their names say of what they speak."""
    tables: dict[str, list[Path]] = {}
    for place in places:
        if not place.is_dir():
            tables.setdefault(place.stem if place.stem in PARTS else "", []).append(place)
            continue
        for part, found in _of_run(place, wanted).items():
            tables.setdefault(part, []).extend(found)
    if not tables:
        raise DataError(f"'{places[0]}' holds no predictions for member '{name}'; finish its training", places[0])
    return Found({part: tuple(files) for part, files in tables.items()})


def _of_run(folder: Path, wanted: _Wanted) -> dict[str, list[Path]]:
    """The tables of a run, or of a training of each fold: its own where it has some, else those of its folds."""
    places = [place for place in sorted(folder.glob("fold-*")) if place.name.removeprefix("fold-").isdigit()]
    for place in places:
        facts = RunFolder(place).facts()
        if facts and not facts.get("finished"):
            raise RunError(
                f"'{place}' is not finished, so '{folder}' would stand for fewer folds than it was begun with; "
                "finish it by the command that began it, or name the folds that are there one by one",
                place,
            )
    own, folds = RunFolder(folder), [RunFolder(place) for place in places]
    found: dict[str, list[Path]] = {}
    for part in PARTS:
        tables = wanted.of(own, part) or [table for run in folds for table in wanted.of(run, part)]
        if tables:
            found[part] = tables
    if not found and (wanted.snapshots or wanted.way):
        raise wanted.lacking(folder, (own, *folds))
    return found


def _read(place: Path, given: Link | None) -> Predictions:
    table = read_predictions(place, link=given or "logit")
    looks_like_chances = (
        table.link == "logit" and table.scores.size and 0 <= table.scores.min() <= table.scores.max() <= 1
    )
    if given is None and looks_like_chances:
        raise DataError(
            f"'{place}' does not say what its scores are, and all of them lie in [0, 1]; say --given probability, or "
            "--given logit if that is what they are",
            place,
        )
    return table


def _mean(group: Mapping[str, Predictions], within: Blend) -> Predictions:
    """Tables of the same clips as one; they are refused where they disagree about folds or classes."""
    tables = list(group.values())
    if len(tables) == 1:
        return tables[0]
    members = Members.of(group)
    made = within.fit(members)(members)
    return made.on("probability") if members.link == "probability" and made.link == "logit" else made


def _agreed(provenances: Sequence[Mapping[str, object]]) -> dict[str, object]:
    """What all tables of a member say of themselves: that they are out of fold, of which fold, and what is missing."""
    agreed: dict[str, object] = {}
    if all(each.get("out_of_fold") is True for each in provenances):
        agreed["out_of_fold"] = True
    folds = {each.get("fold") for each in provenances}
    if len(folds) == 1 and None not in folds:
        agreed["fold"] = folds.pop()
    splits = {each.get(HOLDS_OUT) for each in provenances}
    if len(splits) == 1 and None not in splits:
        agreed[HOLDS_OUT] = splits.pop()
    chosen = dict.fromkeys(what for each in provenances for one in sources(each) for what in one.get(CHOSE, ()))
    return agreed | ({CHOSE: list(chosen)} if chosen else {})
