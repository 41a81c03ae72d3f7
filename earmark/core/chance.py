"""Named chance: every random number comes from a generator that is named by what it is for.

A generator is a pure function of (seed, names), for example ``Chance(1).at("crop", stream="noisy", epoch=3, step=17)``,
so a step replays exactly, a resumed run goes on exactly, and two views of one clip are two names. Nothing is stored
and no global state is touched. Draws are made on the CPU and carried to the device: they are then the same numbers
on every machine.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import torch


@dataclass(frozen=True, slots=True)
class Chance:
    """A seed with the names given so far; deriving is cheap and order of the keywords does not matter.

    >>> Chance(1).at("crop", epoch=2, step=3).number() == Chance(1).at("crop", step=3, epoch=2).number()
    True
    >>> Chance(1).at("crop").number() == Chance(2).at("crop").number()
    False
    """

    seed: int
    names: tuple[str, ...] = ()

    def at(self, purpose: str = "", **names: str | int) -> Chance:
        """The chance for a narrower purpose: names are added to those already there."""
        more = ([f"purpose={purpose}"] if purpose else []) + [f"{key}={names[key]}" for key in sorted(names)]
        return Chance(self.seed, (*self.names, *more))

    def number(self) -> int:
        """The name as a whole number below 2**63, fit for seeding any generator."""
        text = "\x1f".join((str(self.seed), *self.names))
        return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little") >> 1

    def torch(self) -> torch.Generator:
        """A fresh CPU generator for tensors."""
        import torch

        return torch.Generator().manual_seed(self.number())

    def numpy(self) -> np.random.Generator:
        """A fresh generator for arrays and for choices of clips."""
        import numpy as np

        return np.random.default_rng(self.number())
