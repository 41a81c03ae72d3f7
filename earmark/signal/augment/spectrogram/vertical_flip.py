"""Pictures upside down."""

from typing import Annotated, NamedTuple

import torch
from pydantic import Field

from earmark.core.batch import Batch
from earmark.dsp.warping import FREQ
from earmark.signal.augment.laws import hits
from earmark.signal.step import Augment, Draw, Spec


class VerticalFlipDraw(NamedTuple):
    """Whether a clip is flipped [batch]."""

    hit: torch.Tensor


class VerticalFlip(Augment, kind="vertical_flip"):
    """The bands of a clip in reverse order: low becomes high. Labels stay as they are.

    No sound is like that; it is of use where flipped pictures are told apart by classes of their own (M. Pinto, 2019).
    """

    p: Annotated[float, Field(ge=0, le=1)] = 0.5
    """The chance that a clip is flipped."""

    def after(self, spec: Spec) -> Spec:
        return self.takes(spec, "power", "magnitude", "features")

    def draw(self, batch: Batch, chance: torch.Generator) -> VerticalFlipDraw:
        return VerticalFlipDraw(hits(self.p, len(batch), chance))

    def apply(self, batch: Batch, draw: Draw) -> Batch:
        drawn = VerticalFlipDraw(*draw).hit
        if not bool(drawn.any()):
            return batch
        hit = drawn.to(batch.values.device, non_blocking=True).view(-1, 1, 1, 1)
        return batch.changed(values=torch.where(hit, batch.values.flip(FREQ), batch.values))
