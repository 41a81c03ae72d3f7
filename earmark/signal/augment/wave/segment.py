"""A part of the whole."""

from typing import Annotated, NamedTuple, Self

import torch
from pydantic import Field, model_validator

from earmark.core.batch import Batch
from earmark.dsp.pieces import moved, place_of
from earmark.signal.augment.laws import hits, uniform
from earmark.signal.augment.rows import on_rows
from earmark.signal.ranges import in_order
from earmark.signal.step import Augment, Draw, Spec


class SegmentDraw(NamedTuple):
    """Whether only a part of a clip is kept, how much of it, and where it lies as a share of the room, all [batch]."""

    hit: torch.Tensor
    shares: torch.Tensor
    places: torch.Tensor


class Segment(Augment, kind="segment"):
    """Only a part of a clip is kept, from any place, and the clip becomes as short as that.

    After ``SampleSegment`` in the code of ex4sperans (third place of Freesound Audio Tagging 2019).
    """

    p: Annotated[float, Field(ge=0, le=1)] = 0.5
    """The chance that a clip is shortened."""
    least_share: Annotated[float, Field(gt=0, le=1)] = 0.3
    """The smallest part that is kept."""
    most_share: Annotated[float, Field(gt=0, le=1)] = 0.9
    """The largest part that is kept; all in between are as likely."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        return in_order(self, ("least_share", "most_share"))

    def after(self, spec: Spec) -> Spec:
        return self.takes(spec, "wave")

    def draw(self, batch: Batch, chance: torch.Generator) -> SegmentDraw:
        n = len(batch)
        hit, shares = hits(self.p, n, chance), uniform(self.least_share, self.most_share, n, chance)
        return SegmentDraw(hit, shares, torch.rand(n, generator=chance))

    def apply(self, batch: Batch, draw: Draw) -> Batch:
        draw = SegmentDraw(*draw)
        return on_rows(batch, draw.hit, draw, _segment)


def _segment(batch: Batch, draw: SegmentDraw) -> Batch:
    _, shares, places = (part.to(batch.values.device, non_blocking=True) for part in draw)
    counts = (batch.lengths * shares).long().clamp(min=1)
    sources = place_of(places, batch.lengths - counts)[:, None]
    values = moved(batch.values, sources, counts[:, None], torch.zeros_like(sources), batch.values.shape[1])
    return batch.changed(values=values, lengths=counts, padded=True)
