"""Pictures played backwards."""

from typing import Annotated, NamedTuple

import torch
from pydantic import Field
from torch import Tensor

from earmark.core.batch import Batch
from earmark.dsp.clipwise import few_at_once
from earmark.dsp.padding import signal_of
from earmark.dsp.warping import TIME, taken
from earmark.signal.augment.laws import hits
from earmark.signal.step import Augment, Draw, Spec


class HorizontalFlipDraw(NamedTuple):
    """Whether a clip is flipped [batch]."""

    hit: torch.Tensor


class HorizontalFlip(Augment, kind="horizontal_flip"):
    """The frames of a clip in reverse order; padding stays behind them, labels stay as they are.

    Attacks become ends, so it suits steady sounds better than struck ones; M. Pinto (2019) gave flipped pictures
    classes of their own for that reason.
    """

    p: Annotated[float, Field(ge=0, le=1)] = 0.5
    """The chance that a clip is flipped."""

    def after(self, spec: Spec) -> Spec:
        return self.takes(spec, "power", "magnitude", "features")

    def draw(self, batch: Batch, chance: torch.Generator) -> HorizontalFlipDraw:
        return HorizontalFlipDraw(hits(self.p, len(batch), chance))

    def apply(self, batch: Batch, draw: Draw) -> Batch:
        drawn = HorizontalFlipDraw(*draw).hit
        if not bool(drawn.any()):
            return batch
        values, hit = batch.values, drawn.to(batch.values.device, non_blocking=True).view(-1, 1, 1, 1)
        if not batch.padded:
            return batch.changed(values=torch.where(hit, values.flip(TIME), values))

        return batch.changed(values=few_at_once(_flipped, values, hit, batch.lengths))


def _flipped(values: Tensor, hit: Tensor, lengths: Tensor) -> Tensor:
    """The signal of those that are hit turned round."""
    frames = torch.arange(values.shape[TIME], device=values.device)
    flipped = taken(values, (lengths[:, None] - 1 - frames).clamp(min=0), TIME)
    return torch.where(hit & signal_of(values, lengths), flipped, values)
