"""How stages tell what they do: progress over numbers, and lines.

Stages know this protocol, not a terminal: the command line shows bars, a notebook or a test shows nothing.
"""

from collections.abc import Iterable
from typing import Protocol


class Show(Protocol):
    """Somebody who is told what happens."""

    def track(self, numbers: Iterable[int], total: int, what: str) -> Iterable[int]:
        """Pass the numbers through, showing how far they are."""
        ...

    def count(self, done: int, total: int, what: str) -> None:
        """Show how far something is that counts by itself."""
        ...

    def say(self, line: str) -> None:
        """Tell one line."""
        ...


class Silent:
    """Nobody is told."""

    def track(self, numbers: Iterable[int], total: int, what: str) -> Iterable[int]:
        return numbers

    def count(self, done: int, total: int, what: str) -> None:
        pass

    def say(self, line: str) -> None:
        pass
