"""A line of the league: what is run, as a value."""

from __future__ import annotations

from typing import NamedTuple


class Scale(NamedTuple):
    """What makes a line small enough to learn anything on a core of a processor. On a GPU it has its full size."""

    widths: float = 1.0
    """Share of the channels and hidden units."""
    seconds: float = 1.0
    """Share of the length of crops."""
    changes: tuple[str, ...] = ()
    """Settings of a system that are smaller."""

    def says(self) -> str:
        """In a few words.

        >>> Scale().says(), Scale(0.25, 0.5, ("repeats=[3]",)).says()
        ('full size', 'widths × 0.25, crops × 0.5, `repeats=[3]`')
        """
        words = [
            f"{what} × {share:g}" for what, share in (("widths", self.widths), ("crops", self.seconds)) if share < 1
        ]
        return ", ".join([*words, *(f"`{change}`" for change in self.changes)]) or "full size"


class Line(NamedTuple):
    """One way from the data to scored models: a system, a recipe, or a student of another line's models."""

    name: str
    """What ``--only`` takes and its files are called."""
    says: str
    """What the page calls it."""
    system: str = ""
    """The system that is reproduced; with a recipe beside it, whichever of the two exists. ``module:Class`` is one that
    is no part of earmark."""
    recipe: str = ""
    """The recipe that is trained, or the student's."""
    teacher: str = ""
    """The line whose models a student learns from."""
    changes: tuple[str, ...] = ()
    """``path=value``; those of a recipe are made before it is brought within its budget."""
    like: str = ""
    """The line of which this is a variant: it takes its share of the epochs and, the same system, its folder, in which
    stages that both have are there already. So what sources compared at equal epochs is compared at equal epochs."""
    scale: Scale = Scale()
    fold: str = ""
    """What is held out, where that is not the choice of the league."""
    budgeted: bool = True
    """Whether it keeps to the budget of the league; else it trains for as long as its recipe says."""
    longer: bool = False
    """Whether it may train for more epochs than its recipe says; a system never does."""
    own: bool = False
    """Whether it is earmark's own and not of a source."""
    listed: bool = True
    """Whether it has rows in the tables of the league; else it is there for the rebuilt tables alone."""

    @property
    def after(self) -> str:
        """The line that must be done before; none where this is empty."""
        return self.like or self.teacher

    @property
    def folder(self) -> str:
        """Where its runs lie below those of the league."""
        is_same_system = self.system and ":" not in self.system
        return self.like if self.like and is_same_system else self.name


def families(lines: tuple[Line, ...]) -> list[list[Line]]:
    """Lines that must be run one after the other, in their order; different families may run at the same time."""
    by_name = {line.name: line for line in lines}
    found: dict[str, list[Line]] = {}
    for line in lines:
        first = line
        while first.after:
            first = by_name[first.after]
        found.setdefault(first.name, []).append(line)
    return list(found.values())
