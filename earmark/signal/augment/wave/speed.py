"""Faster or slower, and higher or lower with it."""

from typing import Annotated, Literal, NamedTuple, Self

import torch
from pydantic import Field, model_validator

from earmark.core.batch import Batch
from earmark.dsp.resample import Interpolation, n_resampled, resample
from earmark.signal.augment.laws import hits, uniform
from earmark.signal.augment.rows import on_rows
from earmark.signal.ranges import in_order
from earmark.signal.step import Augment, Draw, Spec


class SpeedDraw(NamedTuple):
    """The speed of each clip, 1 where nothing is done."""

    factor: torch.Tensor


class Speed(Augment, kind="speed"):
    """Each clip played at another speed, like a tape: at 1.1 it is 1.1 times as high and 1.1 times shorter.

    What becomes longer than the batch is cut. Speeds uniform in [0.9, 1.1) end the chain of effects of ex4sperans
    (2019), who call it tempo in their text and run SoX's ``speed``. O. Akiyama and J. Sato (2019) scale the length of
    waves by ``1.25^U(-1, 1)``: ``{low: 0.8, high: 1.25, law: log}``, and what they ran is ``interpolation: nearest``.
    """

    p: Annotated[float, Field(ge=0, le=1)] = 0.5
    """The chance that a clip is changed."""
    low: Annotated[float, Field(ge=0.1, le=10)] = 0.9
    """The slowest speed; 1 is as it was."""
    high: Annotated[float, Field(ge=0.1, le=10)] = 1.1
    """The fastest speed."""
    law: Literal["uniform", "log"] = "uniform"
    """Whether speeds are as likely everywhere in between, or their logarithms are."""
    interpolation: Interpolation = "sinc"
    """What lies between two samples: ``sinc`` is free of aliasing; ``linear`` and ``nearest`` (the sample before) are
    quicker and put in frequencies that are not there."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        return in_order(self, ("low", "high"))

    def after(self, spec: Spec) -> Spec:
        return self.takes(spec, "wave")

    def draw(self, batch: Batch, chance: torch.Generator) -> SpeedDraw:
        n = len(batch)
        hit, share = hits(self.p, n, chance), uniform(0.0, 1.0, n, chance)
        if self.law == "log":
            factor = self.low * (self.high / self.low) ** share
        else:
            factor = self.low + (self.high - self.low) * share
        return SpeedDraw(torch.where(hit, factor, 1.0))

    def apply(self, batch: Batch, draw: Draw) -> Batch:
        drawn = SpeedDraw(*draw)
        return on_rows(batch, drawn.factor != 1, drawn, self._changed)

    def _changed(self, batch: Batch, draw: SpeedDraw) -> Batch:
        n = batch.values.shape[1]
        values = resample(batch.values, batch.lengths, draw.factor, n, self.interpolation)
        lengths = n_resampled(batch.lengths, draw.factor).clamp(max=n)
        return batch.changed(values=values, lengths=lengths, padded=True)
