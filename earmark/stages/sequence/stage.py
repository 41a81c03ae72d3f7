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
from typing import TYPE_CHECKING, Any, ClassVar

from earmark.core.fingerprint import fingerprint

if TYPE_CHECKING:
    from earmark.stages.sequence.ground import Ground

EACH, NONE = "each", "none"
"""The choices of a fold that are no number: every fold in turn, and none, so that all clips are learnt from."""


@dataclass(frozen=True, eq=False)
class Stage(ABC):
    """One stage: nothing of it happens before the sequence is carried out."""

    name: str
    """What users and folders call it."""
    fold: str
    """``each``, ``none`` or the number of a fold."""

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

    def scores(self, folder: Path) -> list[Any]:
        """The rows of scores that it left, as plain data."""
        return []

    def says(self) -> str:
        """What it does, in a few words."""
        return self.kind + (f" from {' and '.join(each.name for each in self.reads)}" if self.reads else "")


def content(stage: Stage, folder: Path) -> str:
    """Names what a stage left: equal names mean equal bytes under equal names."""
    found = {}
    for place in sorted(stage.left(folder)):
        with place.open("rb") as file:
            found[place.relative_to(folder).as_posix()] = hashlib.file_digest(file, "sha256").hexdigest()
    return fingerprint(found)
