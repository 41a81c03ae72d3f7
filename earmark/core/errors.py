"""The exceptions of earmark: one tree, each leaf for one kind of mistake.

    EarmarkError
    ├── SettingsError   a recipe, an option or an argument cannot mean anything
    ├── DataError       a file, a table or an audio clip is not what it should be (``path`` attached)
    ├── RunError        a run's folder or checkpoint cannot be used (``path`` attached)
    └── Diverged        training produced numbers that are not finite (``step`` and ``term`` attached)

A message is one sentence a person can act on: what was wanted, what came, what to do. The command line prints
it without a traceback and exits with the class's ``exit_code``.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar


class EarmarkError(Exception):
    """Anything that the user of earmark can mend."""

    exit_code: ClassVar[int] = 1


class SettingsError(EarmarkError):
    """Settings that are misspelt, of the wrong type or without meaning; ``faults`` lists every one of them."""

    exit_code: ClassVar[int] = 2

    def __init__(self, message: str, faults: Sequence[str] = ()) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join([message, *(f"  - {fault}" for fault in self.faults)]))


class DataError(EarmarkError):
    """A file, a table or a clip that is not what it should be."""

    exit_code: ClassVar[int] = 3

    def __init__(self, message: str, path: str | Path | None = None) -> None:
        self.path = path
        super().__init__(message)


class RunError(EarmarkError):
    """A run's folder, log or checkpoint that cannot be used."""

    exit_code: ClassVar[int] = 4

    def __init__(self, message: str, path: str | Path | None = None) -> None:
        self.path = path
        super().__init__(message)


class Diverged(EarmarkError):  # noqa: N818 - a state of the training that is reached, not a wrong call
    """Training reached a loss or a gradient that is not finite."""

    exit_code: ClassVar[int] = 5

    def __init__(self, message: str, step: int, term: str) -> None:
        self.step = step
        self.term = term
        super().__init__(message)
