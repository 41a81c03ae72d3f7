"""An ensemble as a stage: what earlier stages say of held-out and test clips as one table, and their guesses likewise.

The folder is laid out like that of ``earmark blend``. Where members bring guesses, these are blended as well: for each
fold those of the models that held it out, by weights that were learnt without its labels (``fold-K/predictions``), and
those of all models, by weights that were learnt on all folds. So a student that is judged by a fold can learn from an
ensemble which knows nothing of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from earmark.core.manifest import Manifest
from earmark.core.predictions import Predictions
from earmark.data.tables import write_predictions
from earmark.ensemble.blends.arithmetic import Arithmetic
from earmark.ensemble.members import Members
from earmark.runs.folder import RunFolder
from earmark.stages.blend import BlendSettings, Material, blend, gather
from earmark.stages.blend_members import Found, load
from earmark.stages.fold_choice import is_several
from earmark.stages.sequence.guessing import Guessing
from earmark.stages.sequence.predicting import Predicting
from earmark.stages.sequence.stage import Stage, Telling, Trained

if TYPE_CHECKING:
    from earmark.ensemble.blends.blend import Blend, Blended
    from earmark.stages.sequence.ground import Ground

_JUDGED = ("held_out", "test")


@dataclass(frozen=True, eq=False)
class Blending(Telling):
    """Blends what members say; a member is one stage, or several whose tables are averaged first."""

    members: Mapping[str, tuple[Stage, ...]]
    settings: BlendSettings

    kind = "blend"

    @property
    def reads(self) -> tuple[Stage, ...]:
        return tuple(dict.fromkeys(stage for stages in self.members.values() for stage in stages))

    @property
    def used(self) -> BlendSettings:
        """How it blends. What is fitted needs several folds: where there are none, a blend that learns is a plain mean,
        and any other does without what it would fit."""
        if is_several(self.fold):
            return self.settings
        left, _ = self.settings.blend.unfitted()
        return self.settings.model_copy(update={"blend": left or Arithmetic()})

    def says(self) -> str:
        how = self.settings.blend.kind
        if not is_several(self.fold):
            left, why = self.settings.blend.unfitted()
            how = f"the plain mean; {why}" if left is None else f"{how} {why}".rstrip()
        return f"{self.kind} {', '.join(self.members)} ({how})"

    @property
    def speakers(self) -> dict[str, tuple[Stage, ...]]:
        """The stages of each member that speak of held-out and test clips."""
        speak = (Trained, Predicting, Blending)
        found = {
            name: tuple(each for each in stages if isinstance(each, speak)) for name, stages in self.members.items()
        }
        return {name: stages for name, stages in found.items() if stages}

    @property
    def tellers(self) -> dict[str, tuple[Telling, ...]]:
        """The stages of each member that guess."""
        found = {}
        for name, stages in self.members.items():
            found[name] = tuple(each for each in stages if isinstance(each, Telling) and guesses_of(each) is not None)
        return {name: stages for name, stages in found.items() if stages}

    @property
    def of(self) -> str | None:
        """The clips that its members guess; none where they do not."""
        for stages in self.tellers.values():
            return guesses_of(stages[0])
        return None

    def table(self, folder: Path, *, own: bool) -> Path:
        assert self.of is not None
        return RunFolder(folder / "fold-{fold}" if own and is_several(self.fold) else folder).predictions(self.of)

    def asked(self, ground: Ground) -> object:
        members = {name: [each.name for each in stages] for name, stages in self.members.items()}
        return [self.used, members, ground.name(self.fold)]

    def work(self, ground: Ground, places: Mapping[Stage, Path]) -> None:
        folder, truth = places[self], ground.clips(self.fold)
        found = {name: _tables(stages, places) for name, stages in self.speakers.items()}
        material = None
        if any(each.tables for each in found.values()):
            material = _without_places(gather(self.used, found), folder.parent)
            blend(self.used, material, _judging(truth, material), folder, ground.show)
        elif not self.tellers:
            ground.show.say("no fold is held out, and there is no test part, so there is nothing to blend")
        if self.of is not None:
            self._blend_guesses(ground, places, material, truth)

    def _blend_guesses(
        self, ground: Ground, places: Mapping[Stage, Path], material: Material | None, truth: Manifest
    ) -> None:
        """The members' guesses as one table; where there is a model for each fold, one for each of them as well."""
        assert self.of is not None
        folder = places[self]
        held_out = None if material is None else material.parts.get("held_out")
        for number in (*(ground.numbers(self.fold) if is_several(self.fold) else ()), None):
            tables = {name: self._guesses(stages, places, number) for name, stages in self.tellers.items()}
            members = Members.of(tables)
            made = _fitted(self.used.blend, held_out or members, truth, number)(members)
            folds = {table.provenance.get("fold") for table in tables.values()}
            facts = {
                "blend": self.used.blend.model_dump(mode="json"),
                "members": {name: dict(table.provenance) for name, table in tables.items()},
                "out_of_fold": all(table.provenance.get("out_of_fold") is True for table in tables.values()),
                "fold": folds.pop() if len(folds) == 1 else None,
            }
            place = RunFolder(folder if number is None else folder / f"fold-{number}").predictions(self.of)
            write_predictions(replace(made, provenance=facts), place)

    def _guesses(self, stages: Sequence[Telling], places: Mapping[Stage, Path], number: int | None) -> Predictions:
        """What a member guesses, of the models that held out a fold, or of all."""
        files = [str(stage.table(places[stage], own=number is not None)) for stage in stages]
        wanted = [Path(file.replace("{fold}", str(number))) for file in files]
        called, used = ", ".join(stage.name for stage in stages), self.used
        table = load(called, wanted, used.within, given=None, link=used.link)
        if table.link == "probability" and used.link is None:
            table = table.on("logit")  # what is averaged over runs is, and members must be alike
        return replace(table, provenance=_relative(table.provenance, places[self].parent))

    def left(self, folder: Path) -> Iterable[Path]:
        yield from folder.rglob("*.parquet")

    def scores(self, folder: Path) -> list[Any]:
        """What the blend scored, a row a part."""
        parts = RunFolder(folder).read_json("scores.json") or []
        blends = ((part["part"], row) for part in parts for row in part["rows"] if row["name"].startswith("(blend"))
        return [
            {"part": f"{part}, {row['usage']}" if row["usage"] else part, "lwlrap": row["lwlrap"]}
            for part, row in blends
        ]


def guesses_of(stage: Stage) -> str | None:
    """The clips that a stage guesses; none where it does not."""
    if isinstance(stage, Guessing):
        return stage.settings.of
    return stage.of if isinstance(stage, Blending) else None


def _tables(stages: Sequence[Stage], places: Mapping[Stage, Path]) -> Found:
    """Where the scores of a member lie; parts that there are not are left out."""
    found: dict[str, tuple[Path, ...]] = {}
    for part in _JUDGED:
        wanted = (RunFolder(places[stage]).predictions(part) for stage in stages)
        there = tuple(place for place in wanted if place.is_file())
        if there:
            found[part] = there
    return Found(found)


def _fitted(way: Blend, members: Members, truth: Manifest, without: int | None) -> Blended:
    """The blend, learnt on these members, but for the clips of a fold."""
    if not way.is_fitted:
        return way.fit(members)
    if without is not None and members.folds is not None:
        members = members.rows(members.folds != without)
    return way.fit(members, truth.targets(members.ids))


def _judging(truth: Manifest, material: Material) -> Manifest:
    """The clips of which there are scores: whatever else is labelled could not be heard."""
    heard = {name for members in material.parts.values() for name in members.ids}
    return truth.where(pl.col("id").is_in(sorted(heard)))


def _without_places(material: Material, root: Path) -> Material:
    """The same material whose provenance names files from the folder of the sequence on, wherever that lies."""
    said = {
        part: {name: _relative(each, root) for name, each in by_member.items()}
        for part, by_member in material.provenance.items()
    }
    return replace(material, provenance=said)


def _relative(provenance: Mapping[str, Any], root: Path) -> dict[str, Any]:
    files = (Path(file) for file in provenance["files"])
    return {
        **provenance,
        "files": [(file.relative_to(root) if file.is_relative_to(root) else file).as_posix() for file in files],
    }
