"""Higher or lower at the same length."""

from typing import Annotated, NamedTuple, Self

import torch
from pydantic import Field, model_validator

from earmark.core.batch import Batch
from earmark.dsp.padding import padding_zeroed
from earmark.dsp.resample import n_resampled, resample
from earmark.dsp.stretch import stretch
from earmark.signal.augment.laws import hits, uniform
from earmark.signal.augment.rows import on_rows
from earmark.signal.augment.wave.tempo import cut_into
from earmark.signal.ranges import in_order
from earmark.signal.step import Augment, Draw, Spec

_CENTS_IN_OCTAVE = 1200.0


class PitchDraw(NamedTuple):
    """How much each clip is raised in cents (hundredths of a semitone), 0 where nothing is done."""

    cents: torch.Tensor


class Pitch(Augment, kind="pitch"):
    """Each clip shifted up or down by some cents, its length kept: a tone at f is found at ``f · 2^(cents / 1200)``.

    The clip is stretched to another length and resampled back (`earmark.dsp.stretch`, `earmark.dsp.resample`), which
    is what SoX's ``pitch`` does with the same meaning of cents; ex4sperans (2019) draw whole ones from U[-300, 300).
    Formants move with the pitch. What is shifted beyond the band is lost, and what a shift down leaves is silent.
    """

    p: Annotated[float, Field(ge=0, le=1)] = 0.5
    """The chance that a clip is changed."""
    low_cents: Annotated[float, Field(ge=-2400, le=2400)] = -300.0
    """The lowest shift; 1200 cents are an octave."""
    high_cents: Annotated[float, Field(ge=-2400, le=2400)] = 300.0
    """The highest shift. Beyond two octaves a sound is not the same sound any more."""
    segment_s: Annotated[float, Field(gt=0)] = 0.082
    """How long the segments are that a clip is put together from, as in ``tempo``."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        return in_order(self, ("low_cents", "high_cents"))

    def after(self, spec: Spec) -> Spec:
        self.takes(spec, "wave")
        cut_into(self.segment_s, spec.rate_hz)
        return spec

    def draw(self, batch: Batch, chance: torch.Generator) -> PitchDraw:
        n = len(batch)
        hit = hits(self.p, n, chance)
        return PitchDraw(torch.where(hit, uniform(self.low_cents, self.high_cents, n, chance), 0.0))

    def apply(self, batch: Batch, draw: Draw) -> Batch:
        drawn = PitchDraw(*draw)
        return on_rows(batch, drawn.cents != 0, drawn, self._changed)

    def _changed(self, batch: Batch, draw: PitchDraw) -> Batch:
        waves, lengths, n = batch.values, batch.lengths, batch.values.shape[1]
        factors = 2.0 ** (draw.cents.double() / _CENTS_IN_OCTAVE)
        tempos, cut = 1.0 / factors, cut_into(self.segment_s, batch.rate_hz)
        n_between = int(n_resampled(torch.full_like(factors, n, dtype=torch.int64), tempos).max())
        between = stretch(waves, lengths, tempos, n_between, cut)
        values = resample(between, n_resampled(lengths, tempos), factors, n)
        return batch.changed(values=padding_zeroed(values, lengths))
