"""One comparison of two ways of doing the same work, and the turns that they take."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple


class Row(NamedTuple):
    """How fast two ways are; speeds are medians over the turns, in ``unit``, and more is faster."""

    what: str
    """What earmark does."""
    peer: str
    """What it is compared with."""
    unit: str
    """What the speeds count, such as "clips a second"."""
    ours: float
    theirs: float
    ratio: float
    """How many times faster earmark is: the median over the turns of one way's speed over the other's."""
    lowest: float
    """The ratio of the turn that was worst for earmark."""
    highest: float
    """The ratio of the turn that was best for earmark."""
    note: str = ""

    @classmethod
    def of(cls, what: str, peer: str, unit: str, ours: Sequence[float], theirs: Sequence[float], note: str = "") -> Row:
        """The comparison of speeds that were measured turn by turn.

        Args:
            ours, theirs: speeds, one a turn; those of one turn belong together.

        >>> Row.of("a", "b", "clips a second", [10.0, 12.0, 8.0], [5.0, 4.0, 8.0]).ratio
        2.0
        """
        ratios = [our / their for our, their in zip(ours, theirs, strict=True)]
        ratio = statistics.median(ratios)
        speeds = statistics.median(ours), statistics.median(theirs)
        return cls(what, peer, unit, *speeds, ratio, min(ratios), max(ratios), note)


def take_turns(
    ways: Sequence[Callable[[], object]], n_turns: int, amount: float = 1.0, *, warm: bool = False
) -> list[list[float]]:
    """The speeds of several ways of doing the same work, [ways][turns], in amounts a second.

    Each way is called once to warm up, which does not count, and then all of them in order, again and again.

    Args:
        ways: each does the whole work when it is called.
        n_turns: how often each is measured.
        amount: how much work that is, in the unit that speeds are to count.
        warm: whether all ways have run before, so that none needs to warm up.
    """
    if not warm:
        for way in ways:
            way()
    speeds: list[list[float]] = [[] for _ in ways]
    for _ in range(n_turns):
        for way, found in zip(ways, speeds, strict=True):
            start = time.perf_counter()
            way()
            found.append(amount / (time.perf_counter() - start))
    return speeds
