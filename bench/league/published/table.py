"""A table that a source published, as data: its figures, which of our stages stands for each line, and against what."""

from __future__ import annotations

from typing import Literal, NamedTuple

from bench.league.standing import Ref

Sign = Literal[-1, 0, 1]


class Told(NamedTuple):
    """A line of a published table."""

    what: str
    ours: Ref
    """The stage that stands for it."""
    against: Ref | None = None
    """The stage whose line it is compared with."""
    score: float | None = None
    """lwlrap, where it was published."""
    gain: float | None = None
    """lwlrap above that line, where only this was published."""
    words: str = ""
    """What was said where there is no figure."""
    sign: Sign | None = None
    """Which way these words point."""


class Published(NamedTuple):
    """A published table."""

    title: str
    source: str
    """Authors and year."""
    measured: str
    """What its figures are, and how ours differ from them."""
    rows: tuple[Told, ...]
    test: dict[Ref, float] = {}
    """lwlrap on clips that were put aside, where that was published beside it."""

    def gain(self, row: Told) -> float | None:
        """What was published of a line above the one that it is compared with; none where there is no figure."""
        if row.gain is not None or row.against is None or row.score is None:
            return row.gain
        before = next((each.score for each in self.rows if each.ours == row.against), None)
        return None if before is None else round(row.score - before, 4)

    def sign(self, row: Told) -> Sign | None:
        """Which way a line points: up, down, or neither; none where it is compared with nothing."""
        if row.sign is not None:
            return row.sign
        found = self.gain(row)
        return None if found is None else (1 if found > 0 else -1 if found < 0 else 0)
