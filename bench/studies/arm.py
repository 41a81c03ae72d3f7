"""What :mod:`bench.quality` compares: arms, which are recipes with changes, and studies of some of them."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

PLAIN = str(Path(__file__).with_name("plain.yaml"))
"""The recipe that studies of nets, losses and augmentations change, whatever `small` has become by them."""

TRUTH = "truth"
"""Stands where a rule does, in arms that say how much there would be to gain."""


class Arm(NamedTuple):
    """One way of training."""

    name: str
    recipe: str
    changes: tuple[str, ...] = ()
    before: Arm | None = None
    """What is learnt first, on the same fold and with the same seed; ``{before}`` in the changes is its folder."""
    guesses: bool = False
    """Whether what was learnt first guesses the labels of the noisy clips."""
    rule: str = ""
    """Which rule first judges the labels of the noisy clips by guesses; the arm learns what it leaves."""
    every: int = 1
    """If above 1, one trusted clip in so many is learnt from, of each class at least one; all of the fold judge."""
    share: float = 1.0
    """Of the budget, where there is one; the rest is for what is learnt before or after."""

    @property
    def folder(self) -> str:
        """Where its runs lie below those of its study."""
        return self.name.replace(" ", "-")


class Study(NamedTuple):
    """Arms, and the folds to hold out in turn; ``none`` learns from all folds and is what test is reported for."""

    arms: tuple[Arm, ...]
    folds: tuple[str, ...]
    seeds: tuple[int, ...] = (1,)
    """Every arm and fold is learnt once with each; predictions of several seeds are not averaged."""
    folder: str = ""
    """Where the runs lie, if not under the name of the study: studies of the same arms share their fits."""
    budget_s: float | None = None
    """If given, each arm trains for as many epochs as this many seconds of its own pace allow."""


ALL_FOLDS = ("0", "1", "2", "3", "4", "none")
