"""Louder or softer."""

from typing import Annotated, Literal, NamedTuple, Self

import torch
from pydantic import Field, model_validator

from earmark.core.batch import Batch
from earmark.signal.augment.laws import hits, uniform
from earmark.signal.ranges import in_order
from earmark.signal.step import Augment, Draw, Spec


class GainDraw(NamedTuple):
    """The gain of each clip in dB, 0 where nothing is done."""

    gain_db: torch.Tensor


class Gain(Augment, kind="gain"):
    """Each clip louder or softer; on waves, power or magnitude.

    The gain is uniform in decibels, or it is a uniform factor by which the values are multiplied as they are:
    amplitudes of waves, power of power. O. Akiyama and J. Sato (2019) have -6 to 6 dB on waves, and on mel power a
    factor that their report says is 0.8 to 1.2 and their code 0.9 to 1.1.

    Waves are not clipped: what is louder than full scale stays so.
    """

    p: Annotated[float, Field(ge=0, le=1)] = 0.5
    """The chance that a clip is changed."""
    law: Literal["db", "factor"] = "db"
    """Whether the gain is uniform between low_db and high_db or the factor is between low_factor and high_factor."""
    low_db: float = -6.0
    """The smallest gain under law db."""
    high_db: float = 6.0
    """The largest gain under law db."""
    low_factor: Annotated[float, Field(gt=0)] = 0.8
    """The smallest factor under law factor."""
    high_factor: Annotated[float, Field(gt=0)] = 1.2
    """The largest factor under law factor."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        return in_order(self, ("low_db", "high_db"), ("low_factor", "high_factor"))

    def after(self, spec: Spec) -> Spec:
        return self.takes(spec, "wave", "power", "magnitude", where="put it before the compression")

    def draw(self, batch: Batch, chance: torch.Generator) -> GainDraw:
        hit = hits(self.p, len(batch), chance)
        if self.law == "db":
            gain_db = uniform(self.low_db, self.high_db, len(batch), chance)
        else:
            gain_db = uniform(self.low_factor, self.high_factor, len(batch), chance).log10() * _db_a_decade(batch)
        return GainDraw(gain_db * hit)

    def apply(self, batch: Batch, draw: Draw) -> Batch:
        gain_db = GainDraw(*draw).gain_db.to(batch.values.device, non_blocking=True)
        factor = 10.0 ** (gain_db / _db_a_decade(batch))
        return batch.changed(values=batch.values * factor.view(-1, *[1] * (batch.values.ndim - 1)))


def _db_a_decade(batch: Batch) -> float:
    """How many decibels it is when the values become ten times as large."""
    return 10.0 if batch.domain == "power" else 20.0
