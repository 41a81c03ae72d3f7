"""What is heard of a clip, and how it becomes one row of scores: a tree whose leaves are takes.

A plan is made of the length of a clip before any of its audio is read, so clips can be put into batches, and a stream
can be cut as it comes. Everything counts samples from the beginning of the clip. Takes are values: where two of them
in a plan are alike, the network hears the clip once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from earmark.inference.pooling import Pool, pooled


class Excerpt(NamedTuple):
    """A part of a clip as the view gets it."""

    start: int
    n_samples: int
    least_samples: int = 0
    """The length that it is brought to by silence at its end, before the rule for short clips."""
    pad_samples: int = 0
    """Silence at both of its ends, behind the rule for short clips."""


class Corner(NamedTuple):
    """A corner of the picture, enlarged until it fills the picture."""

    scale: float
    high: bool
    """Whether it lies at the last bands."""
    late: bool
    """Whether it lies at the last frames."""
    backwards: bool
    """Whether the frames are in reverse order then."""


class Turn(NamedTuple):
    """What is done to the picture of an excerpt between the front ends and the network."""

    floor_s: float = 0.0
    """Seconds without any power at both ends, put in before power is compressed."""
    corners: tuple[Corner, ...] = ()
    """Enlarged one after the other."""


PLAIN = Turn()
"""The picture as it is."""


@dataclass(frozen=True, slots=True)
class Take:
    """What the network hears in one pass."""

    excerpt: Excerpt
    turn: Turn = PLAIN


@dataclass(frozen=True, slots=True)
class Together:
    """Several plans as one."""

    parts: tuple[Plan, ...]
    pool: Pool
    weights: tuple[float, ...] | None = None


Plan = Take | Together


def takes(plan: Plan) -> Iterator[Take]:
    """Every take of a plan, in order; one that serves twice comes twice."""
    if isinstance(plan, Take):
        yield plan
    else:
        for part in plan.parts:
            yield from takes(part)


def excerpts(plan: Plan) -> dict[Excerpt, tuple[Turn, ...]]:
    """What has to be read of a clip, and the ways in which each excerpt is looked at."""
    found: dict[Excerpt, dict[Turn, None]] = {}
    for take in takes(plan):
        found.setdefault(take.excerpt, {})[take.turn] = None
    return {excerpt: tuple(turns) for excerpt, turns in found.items()}


def settled(plan: Plan, rows: Mapping[Take, NDArray[np.float32]]) -> NDArray[np.float32]:
    """The logits of a clip, [classes], from those of its takes."""
    if isinstance(plan, Take):
        return rows[plan]
    return pooled(np.stack([settled(part, rows) for part in plan.parts]), plan.pool, plan.weights)


def together(parts: tuple[Plan, ...], pool: Pool, weights: tuple[float, ...] | None = None) -> Plan:
    """Several plans as one; the only one as it is."""
    return parts[0] if len(parts) == 1 else Together(parts, pool, weights)


def changed(plan: Plan, change: Callable[[Take], Take]) -> Plan:
    """The same plan with each of its takes changed."""
    if isinstance(plan, Take):
        return change(plan)
    return replace(plan, parts=tuple(changed(part, change) for part in plan.parts))
