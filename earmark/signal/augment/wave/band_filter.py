"""Some of the frequencies only."""

import math
from typing import Annotated, Literal, NamedTuple, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor

from earmark.core.batch import Batch
from earmark.core.errors import SettingsError
from earmark.dsp.filters import Band, band_response, filtered, grid_hz
from earmark.signal.augment.laws import hits, uniform
from earmark.signal.augment.rows import on_rows
from earmark.signal.ranges import in_order
from earmark.signal.step import Augment, Draw, Spec

Shape = Literal["low_pass", "high_pass", "band_pass", "band_stop"]


class BandFilterDraw(NamedTuple):
    """Whether a clip is filtered [batch], and by what."""

    hit: Tensor
    band: Band


class BandFilter(Augment, kind="band_filter"):
    """What is below, above, inside or outside of random frequencies is taken away.

    A cut-off is 3 dB down, and beyond it the level falls by the slope, as with a Butterworth filter. No frequency is
    delayed (zero phase): the filter is a symmetric impulse response of a tenth to a fifth of a second.
    """

    p: Annotated[float, Field(ge=0, le=1)] = 0.5
    """The chance that a clip is filtered."""
    shapes: Annotated[tuple[Shape, ...], Field(min_length=1)] = ("low_pass", "high_pass", "band_pass")
    """What may be done, each as likely: pass what is below, above or inside, or stop what is inside."""
    low_hz: Annotated[float, Field(ge=20)] = 200.0
    """The lowest cut-off, or middle of a band."""
    high_hz: Annotated[float, Field(ge=20)] = 4000.0
    """The highest cut-off, or middle of a band; in between, every octave is as likely."""
    narrowest_octaves: Annotated[float, Field(gt=0)] = 1.0
    """The smallest width of a band between its cut-offs."""
    widest_octaves: Annotated[float, Field(gt=0)] = 4.0
    """The largest width of a band; all in between are as likely."""
    low_slope_db: Annotated[float, Field(gt=0)] = 6.0
    """The gentlest slope, in dB an octave."""
    high_slope_db: Annotated[float, Field(le=240)] = 24.0
    """The steepest slope, in dB an octave; all in between are as likely."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        return in_order(
            self, ("low_hz", "high_hz"), ("narrowest_octaves", "widest_octaves"), ("low_slope_db", "high_slope_db")
        )

    def after(self, spec: Spec) -> Spec:
        self.takes(spec, "wave")
        if self.high_hz > spec.rate_hz / 2:
            raise SettingsError(
                f"cut-offs must not be above half the rate of {spec.rate_hz:g} Hz, got high_hz {self.high_hz:g} Hz; "
                "lower it"
            )
        return spec

    def draw(self, batch: Batch, chance: torch.Generator) -> BandFilterDraw:
        n = len(batch)
        hit = hits(self.p, n, chance)
        shape = torch.randint(len(self.shapes), (n,), generator=chance)
        hz = uniform(math.log(self.low_hz), math.log(self.high_hz), n, chance).exp()
        ratio = 2.0 ** (uniform(self.narrowest_octaves, self.widest_octaves, n, chance) / 2.0)
        of = {name: torch.tensor([each == name for each in self.shapes])[shape] for name in self.shapes}
        no = torch.zeros(n, dtype=torch.bool)
        below, above = of.get("low_pass", no), of.get("high_pass", no)
        band = Band(
            torch.where(below, 0.0, torch.where(above, hz, hz / ratio)),
            torch.where(above, torch.inf, torch.where(below, hz, hz * ratio)),
            uniform(self.low_slope_db, self.high_slope_db, n, chance),
            of.get("band_stop", no),
        )
        return BandFilterDraw(hit, band)

    def apply(self, batch: Batch, draw: Draw) -> Batch:
        draw = BandFilterDraw(*draw)
        return on_rows(batch, draw.hit, draw, _band)


def _band(batch: Batch, draw: BandFilterDraw) -> Batch:
    device = batch.values.device
    band = Band(*(part.to(device, non_blocking=True) for part in draw.band))
    response = band_response(grid_hz(batch.rate_hz, device), band)
    return batch.changed(values=filtered(batch.values, batch.lengths, response))
