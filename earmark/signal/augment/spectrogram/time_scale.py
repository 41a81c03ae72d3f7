"""Pictures stretched or squeezed in time."""

import math
from typing import Annotated, Literal, NamedTuple, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor

from earmark.core.batch import Batch
from earmark.dsp.clipwise import few_at_once
from earmark.dsp.padding import padding_zeroed
from earmark.dsp.warping import TIME, between
from earmark.signal.augment.laws import hits, uniform
from earmark.signal.augment.rows import on_rows
from earmark.signal.ranges import in_order
from earmark.signal.step import Augment, Draw, Spec


class TimeScaleDraw(NamedTuple):
    """Whether a clip is scaled [batch] and by what factor [batch]."""

    hit: torch.Tensor
    factor: torch.Tensor


class TimeScale(Augment, kind="time_scale"):
    """Each picture longer or shorter by a factor, by linear interpolation between its frames.

    O. Akiyama and J. Sato (2019) tried it on mel spectrograms and left it out. Unlike the speed of a wave it moves
    nothing along frequency. The clip's length changes; what becomes longer than the batch is wide is cut at its end.
    """

    p: Annotated[float, Field(ge=0, le=1)] = 0.5
    """The chance that a clip is scaled."""
    low_factor: Annotated[float, Field(gt=0)] = 0.8
    """The smallest factor; below 1 a clip becomes shorter."""
    high_factor: Annotated[float, Field(gt=0)] = 1.25
    """The largest factor; above 1 a clip becomes longer."""
    law: Literal["log", "linear"] = "log"
    """What is uniform: the logarithm of the factor, so that half and double are as likely, or the factor."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        return in_order(self, ("low_factor", "high_factor"))

    def after(self, spec: Spec) -> Spec:
        return self.takes(spec, "power", "magnitude", "features")

    def draw(self, batch: Batch, chance: torch.Generator) -> TimeScaleDraw:
        n, low, high = len(batch), self.low_factor, self.high_factor
        hit = hits(self.p, n, chance)
        if self.law == "log":
            return TimeScaleDraw(hit, uniform(math.log(low), math.log(high), n, chance).exp())
        return TimeScaleDraw(hit, uniform(low, high, n, chance))

    def apply(self, batch: Batch, draw: Draw) -> Batch:
        drawn = TimeScaleDraw(*draw)
        return on_rows(batch, drawn.hit, drawn, _scaled)


def _scaled(batch: Batch, draw: TimeScaleDraw) -> Batch:
    factor = draw.factor.to(batch.values.device, non_blocking=True)
    width = batch.values.shape[TIME]
    full = (batch.lengths * factor).round().clamp(min=1).long()
    # Frames stand for the time around their middle, so both ends of a clip stay its ends.
    middles = torch.arange(width, device=factor.device) + 0.5
    places = middles * (batch.lengths / full)[:, None] - 0.5
    lengths = full.clamp(max=width)

    def read(values: Tensor, places: Tensor, before: Tensor, after: Tensor) -> Tensor:
        return padding_zeroed(between(values, places, before, TIME), after)

    values = few_at_once(read, batch.values, places, batch.lengths, lengths)
    return batch.changed(values=values, lengths=lengths, padded=True)
