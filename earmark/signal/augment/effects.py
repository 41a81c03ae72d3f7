"""Several augmentations of the same clips, one after the other."""

from typing import Annotated, NamedTuple

import torch
from pydantic import Field

from earmark.core.batch import Batch
from earmark.signal.augment.laws import hits
from earmark.signal.augment.nesting import Draws, Nesting, drawn_for
from earmark.signal.augment.wave.overdrive import Overdrive
from earmark.signal.augment.wave.pitch import Pitch
from earmark.signal.augment.wave.reverb import Reverb
from earmark.signal.augment.wave.speed import Speed
from earmark.signal.step import Augment, Draw


class EffectsDraw(NamedTuple):
    """Which clips are changed [batch], and the draws of the steps, which leave the others alone."""

    hit: torch.Tensor
    draws: Draws


class Effects(Nesting, kind="effects"):
    """A chain of steps that a clip goes through as a whole or not at all.

    The default is the chain of ex4sperans (2019): reverb, pitch, overdrive and speed, as SoX has them, on three
    clips of four. A step may have a chance of its own within the chain. Steps that mix clips take their partners as
    the steps before have left them.
    """

    p: Annotated[float, Field(ge=0, le=1)] = 0.75
    """The chance that a clip goes through the chain."""
    steps: Annotated[tuple[Augment, ...], Field(min_length=1)] = (Reverb(p=1), Pitch(p=1), Overdrive(p=1), Speed(p=1))
    """The chain, in order; each step's own ``p`` is its chance within it."""

    def draw(self, batch: Batch, chance: torch.Generator) -> EffectsDraw:
        hit = hits(self.p, len(batch), chance)
        return EffectsDraw(hit, Draws(*(drawn_for(step, hit, batch, chance) for step in self.steps)))

    def apply(self, batch: Batch, draw: Draw) -> Batch:
        for step, drawn in zip(self.steps, EffectsDraw(*draw).draws, strict=True):
            batch = step.apply(batch, drawn)
        return batch
