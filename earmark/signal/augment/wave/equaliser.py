"""Another balance of frequencies."""

import math
from typing import Annotated, NamedTuple, Self

import torch
from pydantic import Field, model_validator

from earmark.core.batch import Batch
from earmark.core.errors import SettingsError
from earmark.dsp.filters import SHAPES, Biquads, biquad_response, filtered, grid_hz
from earmark.signal.augment.laws import hits
from earmark.signal.augment.rows import on_rows
from earmark.signal.ranges import in_order
from earmark.signal.step import Augment, Draw, Spec


class EqualiserDraw(NamedTuple):
    """Whether a clip is equalised [batch], and by which filters [batch, bands]."""

    hit: torch.Tensor
    biquads: Biquads


class Equaliser(Augment, kind="equaliser"):
    """Random parametric equaliser: some regions of frequency louder, others softer.

    Each of several filters raises or lowers what is around, below or above a random frequency (a peak, a low or a
    high shelf, each as likely). The responses are those of R. Bristow-Johnson's Audio EQ Cookbook, in magnitude; no
    frequency is delayed (zero phase).
    """

    p: Annotated[float, Field(ge=0, le=1)] = 0.5
    """The chance that a clip is equalised."""
    n_bands: Annotated[int, Field(ge=1)] = 3
    """How many filters there are in a row."""
    most_db: Annotated[float, Field(gt=0, le=40)] = 9.0
    """The largest gain of a filter, up or down; all up to it are as likely, in dB."""
    low_hz: Annotated[float, Field(ge=20)] = 60.0
    """The lowest frequency of a filter: the middle of a peak, and of the slope of a shelf."""
    high_hz: Annotated[float, Field(ge=20)] = 3500.0
    """The highest frequency of a filter; in between, every octave is as likely."""
    low_quality: Annotated[float, Field(ge=0.1)] = 0.5
    """The smallest quality: 0.5 is a peak of two and a half octaves."""
    high_quality: Annotated[float, Field(le=20)] = 2.0
    """The largest quality: 2 is a peak of two thirds of an octave; in between, every factor is as likely. Shelves have
    at most 0.7, where they are steepest without going beyond their gain."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        return in_order(self, ("low_hz", "high_hz"), ("low_quality", "high_quality"))

    def after(self, spec: Spec) -> Spec:
        self.takes(spec, "wave")
        if self.high_hz >= spec.rate_hz / 2:
            raise SettingsError(
                f"filters must lie below half the rate of {spec.rate_hz:g} Hz, got high_hz {self.high_hz:g} Hz; "
                "lower it"
            )
        return spec

    def draw(self, batch: Batch, chance: torch.Generator) -> EqualiserDraw:
        hit = hits(self.p, len(batch), chance)
        which, where, gain, narrow = torch.rand(4, len(batch), self.n_bands, generator=chance)
        shapes = (which * len(SHAPES)).long()
        quality = _between(self.low_quality, self.high_quality, narrow)
        # A shelf with more quality than this would rise above its gain before it gets there.
        quality = torch.where(shapes == SHAPES.index("peak"), quality, quality.clamp(max=0.5**0.5))
        hz, gain_db = _between(self.low_hz, self.high_hz, where), self.most_db * (2.0 * gain - 1.0)
        return EqualiserDraw(hit, Biquads(shapes, hz, gain_db, quality))

    def apply(self, batch: Batch, draw: Draw) -> Batch:
        draw = EqualiserDraw(*draw)
        return on_rows(batch, draw.hit, draw, _equalised)


def _between(low: float, high: float, shares: torch.Tensor) -> torch.Tensor:
    return low * torch.exp(math.log(high / low) * shares)


def _equalised(batch: Batch, draw: EqualiserDraw) -> Batch:
    hz = grid_hz(batch.rate_hz, batch.values.device)
    response = biquad_response(hz, Biquads(*draw.biquads), batch.rate_hz).prod(dim=1)
    return batch.changed(values=filtered(batch.values, batch.lengths, response))
