"""What every stage of a sequence is.

A stage says what it is asked, works in a folder of its own, and names the content of what it left. Its fingerprint is
made of what it is asked and of what the stages that it reads from left; so it changes when, and only when, something
did that its result depends on.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from earmark.core.fingerprint import fingerprint
from earmark.runs.folder import RunFolder
from earmark.stages.fold_choice import is_several

if TYPE_CHECKING:
    from earmark.stages.recipe import Recipe
    from earmark.stages.sequence.ground import Ground


@dataclass(frozen=True, eq=False)
class Stage(ABC):
    """One stage: nothing of it happens before the sequence is carried out."""

    name: str
    """What users and folders call it."""
    fold: str
    """``each``, ``none``, or the numbers of folds."""

    kind: ClassVar[str] = ""

    @property
    @abstractmethod
    def reads(self) -> tuple[Stage, ...]:
        """The earlier stages whose results it takes."""

    @abstractmethod
    def asked(self, ground: Ground) -> object:
        """Everything that decides its result, but for what earlier stages left."""

    @abstractmethod
    def work(self, ground: Ground, places: Mapping[Stage, Path]) -> None:
        """Do it, or go on with it, in its place; ``places`` are the folders of the stages so far."""

    @abstractmethod
    def left(self, folder: Path) -> Iterable[Path]:
        """The files that hold its result."""

    def place(self, out: Path, finger: str) -> Path:
        """The folder in which it works, in that of the sequence, or wherever its result lies already.

        Args:
            finger: its fingerprint.
        """
        return out / f"{self.name}-{finger[:8]}"

    def scores(self, folder: Path) -> list[Any]:
        """The rows of scores that it left, as plain data."""
        return []

    def says(self) -> str:
        """What it does, in a few words."""
        return self.kind + (f" from {' and '.join(each.name for each in self.reads)}" if self.reads else "")


@dataclass(frozen=True, eq=False)
class Trained(Stage, ABC):
    """A stage that has a training behind it: one run, or one a fold."""

    recipe: Recipe

    def runs(self, folder: Path, numbers: Iterable[int | None]) -> dict[int | None, RunFolder]:
        """The run of each fold that is held out."""
        return {n: RunFolder(folder / f"fold-{n}" if is_several(self.fold) else folder) for n in numbers}

    def left(self, folder: Path) -> Iterable[Path]:
        runs = [RunFolder(place.parent) for place in folder.glob("fold-*/run.json")] or [RunFolder(folder)]
        for run in runs:
            yield from (run.tagger, run.path / "learnt.json", *run.snapshots.values())
            yield from (place for part in ("held_out", "test") if (place := run.predictions(part)).is_file())

    def scores(self, folder: Path) -> list[Any]:
        return list(RunFolder(folder).read_json("scores.json") or [])


class Telling(Stage, ABC):
    """A stage that leaves guesses, from which trainings can learn."""

    @abstractmethod
    def table(self, folder: Path, *, own: bool) -> Path:
        """Where its guesses lie; ``{fold}`` stands for the fold that is held out.

        Args:
            own: whether each fold takes the guesses of models that held it out, or all take those of all models.
        """

    @property
    def own(self) -> Table:
        """For each fold the guesses of models that held it out."""
        return Table(self, own=True)

    @property
    def mean(self) -> Table:
        """The guesses of all models that have a say."""
        return Table(self, own=False)


class Table(NamedTuple):
    """One of the tables of a stage of guesses."""

    stage: Telling
    own: bool
    """Whether each fold takes the guesses of models that held it out, or all take those of all models."""

    def file(self, places: Mapping[Stage, Path]) -> Path:
        """Where it lies; ``{fold}`` in it stands for the fold that is held out."""
        return self.stage.table(places[self.stage], own=self.own)


def content(stage: Stage, folder: Path) -> str:
    """Names what a stage left: equal names mean equal bytes under equal names."""
    found = {}
    for place in sorted(stage.left(folder)):
        with place.open("rb") as file:
            found[place.relative_to(folder).as_posix()] = hashlib.file_digest(file, "sha256").hexdigest()
    return fingerprint(found)
