"""Faster or slower at the same pitch."""

from typing import Annotated, NamedTuple, Self

import torch
from pydantic import Field, model_validator

from earmark.core.batch import Batch
from earmark.core.errors import SettingsError
from earmark.dsp.resample import n_resampled
from earmark.dsp.stretch import Pieces, pieces, stretch
from earmark.signal.augment.laws import hits, uniform
from earmark.signal.augment.rows import on_rows
from earmark.signal.ranges import in_order
from earmark.signal.step import Augment, Draw, Spec


class TempoDraw(NamedTuple):
    """The tempo of each clip, 1 where nothing is done."""

    factor: torch.Tensor


class Tempo(Augment, kind="tempo"):
    """Each clip played faster or slower, its pitch kept: at 1.1 it is 1.1 times shorter.

    What becomes longer than the batch is cut. The clip is put together anew from overlapping segments that fit one
    another (WSOLA; W. Verhelst and M. Roelands, 1993), as SoX's ``tempo`` does, with its proportions. A clip no
    longer than a segment only loses its end, or has silence put behind it.
    """

    p: Annotated[float, Field(ge=0, le=1)] = 0.5
    """The chance that a clip is changed."""
    low: Annotated[float, Field(ge=0.25, le=4)] = 0.9
    """The slowest tempo; 1 is as it was."""
    high: Annotated[float, Field(ge=0.25, le=4)] = 1.1
    """The fastest tempo."""
    segment_s: Annotated[float, Field(gt=0)] = 0.082
    """How long the segments are: several periods of the lowest pitch, and shorter than what is heard as rhythm."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        return in_order(self, ("low", "high"))

    def after(self, spec: Spec) -> Spec:
        self.takes(spec, "wave")
        cut_into(self.segment_s, spec.rate_hz)
        return spec

    def draw(self, batch: Batch, chance: torch.Generator) -> TempoDraw:
        n = len(batch)
        hit = hits(self.p, n, chance)
        return TempoDraw(torch.where(hit, uniform(self.low, self.high, n, chance), 1.0))

    def apply(self, batch: Batch, draw: Draw) -> Batch:
        drawn = TempoDraw(*draw)
        return on_rows(batch, drawn.factor != 1, drawn, self._changed)

    def _changed(self, batch: Batch, draw: TempoDraw) -> Batch:
        n, cut = batch.values.shape[1], cut_into(self.segment_s, batch.rate_hz)
        values = stretch(batch.values, batch.lengths, draw.factor, n, cut)
        return batch.changed(values=values, lengths=n_resampled(batch.lengths, draw.factor).clamp(max=n), padded=True)


def cut_into(segment_s: float, rate_hz: float) -> Pieces:
    """What clips of this rate are cut into.

    Raises:
        SettingsError: the segments would be too short.
    """
    n = round(segment_s * rate_hz)
    cut = pieces(n)
    if cut is None:
        raise SettingsError(
            f"segments of {segment_s:g} s are {n} samples at {rate_hz:g} Hz, too few to see where two of them fit; "
            "raise segment_s"
        )
    return cut
