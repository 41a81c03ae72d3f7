"""An amplifier driven into its bend."""

from typing import Annotated, NamedTuple, Self

import torch
from pydantic import Field, model_validator

from earmark.core.batch import Batch
from earmark.dsp.overdrive import overdrive
from earmark.signal.augment.laws import hits, uniform
from earmark.signal.augment.rows import on_rows
from earmark.signal.ranges import in_order
from earmark.signal.step import Augment, Draw, Spec


class OverdriveDraw(NamedTuple):
    """Whether a clip is changed and the gain in dB that drives it, both [batch]."""

    hit: torch.Tensor
    gain_db: torch.Tensor


class Overdrive(Augment, kind="overdrive"):
    """Half of the sound as it was and three quarters of it bent: ``v - v^3 / 3``, after a gain and an offset.

    The transfer and both settings are those of SoX's ``overdrive``; the differences are that silence stays silence
    (SoX begins with a thump) and that what comes out above full scale is not clipped. Quiet sounds come out louder by
    about ``0.5 + 0.75 · gain``, loud ones up to about full scale. ex4sperans (2019) draw whole gains from U[2, 10)
    and leave the colour at 20.
    """

    p: Annotated[float, Field(ge=0, le=1)] = 0.5
    """The chance that a clip is changed."""
    low_db: Annotated[float, Field(ge=0, le=100)] = 2.0
    """The smallest gain."""
    high_db: Annotated[float, Field(ge=0, le=100)] = 10.0
    """The largest gain; the bend is reached where the sound times the gain comes near full scale."""
    colour: Annotated[float, Field(ge=0, le=100)] = 20.0
    """How lopsided the bend is, in SoX's unit: the offset is a 200th of it. More means more even harmonics."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        return in_order(self, ("low_db", "high_db"))

    def after(self, spec: Spec) -> Spec:
        return self.takes(spec, "wave")

    def draw(self, batch: Batch, chance: torch.Generator) -> OverdriveDraw:
        n = len(batch)
        return OverdriveDraw(hits(self.p, n, chance), uniform(self.low_db, self.high_db, n, chance))

    def apply(self, batch: Batch, draw: Draw) -> Batch:
        drawn = OverdriveDraw(*draw)
        return on_rows(batch, drawn.hit, drawn, self._changed)

    def _changed(self, batch: Batch, draw: OverdriveDraw) -> Batch:
        gains = (10.0 ** (draw.gain_db / 20.0)).to(batch.values.device, non_blocking=True)
        return batch.changed(values=overdrive(batch.values, batch.lengths, gains, self.colour / 200.0))
