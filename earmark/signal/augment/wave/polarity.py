"""Upside down."""

from typing import Annotated, NamedTuple

import torch
from pydantic import Field

from earmark.core.batch import Batch
from earmark.signal.augment.laws import hits
from earmark.signal.step import Augment, Draw, Spec


class PolarityDraw(NamedTuple):
    """Whether a clip is inverted [batch]."""

    hit: torch.Tensor


class Polarity(Augment, kind="polarity"):
    """The sign of every sample is changed: nobody hears it, and a power spectrogram is the same.

    It matters to encoders that see the wave, and to what clips are mixed with.
    """

    p: Annotated[float, Field(ge=0, le=1)] = 0.5
    """The chance that a clip is inverted."""

    def after(self, spec: Spec) -> Spec:
        return self.takes(spec, "wave")

    def draw(self, batch: Batch, chance: torch.Generator) -> PolarityDraw:
        return PolarityDraw(hits(self.p, len(batch), chance))

    def apply(self, batch: Batch, draw: Draw) -> Batch:
        sign = 1.0 - 2.0 * PolarityDraw(*draw).hit.to(batch.values.dtype)
        return batch.changed(values=batch.values * sign[:, None].to(batch.values.device, non_blocking=True))
