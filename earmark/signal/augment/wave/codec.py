"""As if sent through a narrow line."""

import math
from functools import partial
from typing import Annotated, Literal, NamedTuple, Self

import torch
from pydantic import Field, model_validator

from earmark.core.batch import Batch
from earmark.core.errors import SettingsError
from earmark.dsp.clipwise import few_at_once
from earmark.dsp.filters import Band, band_response, filtered, grid_hz
from earmark.dsp.quantise import quantised
from earmark.signal.augment.laws import hits, uniform
from earmark.signal.augment.rows import on_rows
from earmark.signal.ranges import in_order
from earmark.signal.step import Augment, Draw, Spec


class CodecDraw(NamedTuple):
    """Whether a clip is coded, the highest frequency that it keeps, and the bits of a sample, all [batch]."""

    hit: torch.Tensor
    bandwidth_hz: torch.Tensor
    bits: torch.Tensor


class Codec(Augment, kind="codec"):
    """Fewer bits and a narrower band, as lossy files, telephones and old samplers leave them.

    Samples are rounded first and the band is cut then, so that nothing is left above it, not even the noise of the
    rounding: that is how it is with a coder that works at a lower rate. Rounding clips what is beyond full scale. No
    frequency is delayed (zero phase).
    """

    p: Annotated[float, Field(ge=0, le=1)] = 0.5
    """The chance that a clip is coded."""
    low_hz: Annotated[float, Field(ge=100)] = 4000.0
    """The narrowest band: telephones keep less than 4 kHz."""
    high_hz: Annotated[float, Field(ge=100)] = 16000.0
    """The widest band; in between, every octave is as likely. What is above half the rate takes nothing away."""
    slope_db: Annotated[float, Field(gt=0, le=1000)] = 120.0
    """How steeply the level falls above, in dB an octave; the end of the band is 3 dB down."""
    steps: Literal["mu_law", "linear", "none"] = "mu_law"
    """Rounding in steps that are fine for soft sounds and coarse for loud ones, in equal ones, or no rounding."""
    low_bits: Annotated[int, Field(ge=2)] = 6
    """The fewest bits of a sample."""
    high_bits: Annotated[int, Field(le=16)] = 10
    """The most bits of a sample; all in between are as likely."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        return in_order(self, ("low_hz", "high_hz"), ("low_bits", "high_bits"))

    def after(self, spec: Spec) -> Spec:
        self.takes(spec, "wave")
        if self.steps == "none" and self.low_hz >= spec.rate_hz / 2:
            raise SettingsError(
                f"a band from {self.low_hz:g} Hz up takes nothing away from audio of {spec.rate_hz:g} Hz without "
                "rounding; lower low_hz or set steps"
            )
        return spec

    def draw(self, batch: Batch, chance: torch.Generator) -> CodecDraw:
        n = len(batch)
        hit, hz = hits(self.p, n, chance), uniform(math.log(self.low_hz), math.log(self.high_hz), n, chance).exp()
        return CodecDraw(hit, hz, torch.randint(self.low_bits, self.high_bits + 1, (n,), generator=chance))

    def apply(self, batch: Batch, draw: Draw) -> Batch:
        draw = CodecDraw(*draw)
        return on_rows(batch, draw.hit, draw, self._coded)

    def _coded(self, batch: Batch, draw: CodecDraw) -> Batch:
        device, values = batch.values.device, batch.values
        _, hz, bits = (part.to(device, non_blocking=True) for part in draw)
        if self.steps != "none":
            values = few_at_once(partial(quantised, steps=self.steps), values, bits)
        # An end of the band above half the rate is none at all.
        hz = hz.masked_fill(hz >= batch.rate_hz / 2, torch.inf)
        band = Band(torch.zeros_like(hz), hz, torch.full_like(hz, self.slope_db), torch.zeros_like(hz).bool())
        response = band_response(grid_hz(batch.rate_hz, device), band)
        return batch.changed(values=filtered(values, batch.lengths, response))
