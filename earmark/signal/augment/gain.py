"""Louder or softer."""

from typing import Annotated, NamedTuple, Self

import torch
from pydantic import Field, model_validator

from earmark.core.batch import Batch
from earmark.signal.augment.laws import hits, uniform
from earmark.signal.step import Augment, Draw, Spec


class GainDraw(NamedTuple):
    """The gain of each clip in dB, 0 where nothing is done."""

    gain_db: torch.Tensor


class Gain(Augment, kind="gain"):
    """Each clip louder or softer by a gain that is uniform in decibels; on waves, power or magnitude.

    Waves are not clipped: what is louder than full scale stays so.
    """

    p: Annotated[float, Field(ge=0, le=1)] = 0.5
    """The chance that a clip is changed."""
    low_db: float = -6.0
    """The smallest gain."""
    high_db: float = 6.0
    """The largest gain."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.low_db > self.high_db:
            raise ValueError(f"low_db must not be above high_db, got {self.low_db:g} and {self.high_db:g}")
        return self

    def after(self, spec: Spec) -> Spec:
        return self.takes(spec, "wave", "power", "magnitude", where="put it before the compression")

    def draw(self, batch: Batch, chance: torch.Generator) -> GainDraw:
        hit = hits(self.p, len(batch), chance)
        return GainDraw(uniform(self.low_db, self.high_db, len(batch), chance) * hit)

    def apply(self, batch: Batch, draw: Draw) -> Batch:
        gain_db = GainDraw(*draw).gain_db.to(batch.values.device, non_blocking=True)
        factor = 10.0 ** (gain_db / (10.0 if batch.domain == "power" else 20.0))
        return batch.changed(values=batch.values * factor.view(-1, *[1] * (batch.values.ndim - 1)))
