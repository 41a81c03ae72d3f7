"""A part that goes silent."""

from typing import Annotated, NamedTuple

import torch
from pydantic import Field

from earmark.core.batch import Batch
from earmark.dsp.pieces import moved, place_of
from earmark.signal.augment.laws import hits
from earmark.signal.augment.rows import on_rows
from earmark.signal.step import Augment, Draw, Spec


class CutOutDraw(NamedTuple):
    """Whether a part of a clip is silenced, and where it lies as a share of the room, both [batch]."""

    hit: torch.Tensor
    places: torch.Tensor


class CutOut(Augment, kind="cut_out"):
    """A part of each clip is replaced by silence; the rest stays where it is (T. DeVries and G. W. Taylor, 2017)."""

    p: Annotated[float, Field(ge=0, le=1)] = 0.5
    """The chance that a clip is changed."""
    share: Annotated[float, Field(gt=0, lt=1)] = 0.25
    """How much of the clip goes silent."""

    def after(self, spec: Spec) -> Spec:
        return self.takes(spec, "wave")

    def draw(self, batch: Batch, chance: torch.Generator) -> CutOutDraw:
        return CutOutDraw(hits(self.p, len(batch), chance), torch.rand(len(batch), generator=chance))

    def apply(self, batch: Batch, draw: Draw) -> Batch:
        draw = CutOutDraw(*draw)
        return on_rows(batch, draw.hit, draw, self._cut)

    def _cut(self, batch: Batch, draw: CutOutDraw) -> Batch:
        lengths = batch.lengths
        silent = (lengths * self.share).long()
        starts = place_of(draw.places.to(lengths.device, non_blocking=True), lengths - silent)
        places = torch.stack([torch.zeros_like(starts), starts + silent], dim=1)
        counts = torch.stack([starts, lengths - starts - silent], dim=1)
        return batch.changed(values=moved(batch.values, places, counts, places, batch.values.shape[1]))
