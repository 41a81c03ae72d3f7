"""Earlier or later."""

from typing import Annotated, Literal, NamedTuple

import torch
from pydantic import Field

from earmark.core.batch import Batch
from earmark.core.errors import SettingsError
from earmark.dsp.pieces import moved
from earmark.signal.augment.laws import hits, uniform
from earmark.signal.augment.rows import on_rows
from earmark.signal.step import Augment, Draw, Spec


class ShiftDraw(NamedTuple):
    """Whether a clip is shifted [batch] and how far, as a share of the farthest: -1 is earliest, 1 latest [batch]."""

    hit: torch.Tensor
    shares: torch.Tensor


class Shift(Augment, kind="shift"):
    """A clip begins earlier or later; its length stays as it was.

    What leaves it at one end comes in again at the other (a roll), or is lost and there is silence instead, which
    counts as part of the clip.
    """

    p: Annotated[float, Field(ge=0, le=1)] = 0.5
    """The chance that a clip is shifted."""
    edge: Literal["roll", "zeros"] = "roll"
    """What comes in where the clip has left: its other end, or silence."""
    most_share: Annotated[float, Field(gt=0, le=1)] = 0.5
    """The farthest a clip is shifted either way, as a part of its length; all distances up to it are as likely."""
    most_s: Annotated[float, Field(gt=0)] | None = None
    """The farthest a clip is shifted where that is less; null for no such limit."""

    def after(self, spec: Spec) -> Spec:
        self.takes(spec, "wave")
        if self.most_s is not None and self.most_s * spec.rate_hz < 1:
            raise SettingsError(
                f"a shift of at most {self.most_s:g} s is less than a sample of {1 / spec.rate_hz:.3g} s and would "
                "never move anything; raise most_s"
            )
        return spec

    def draw(self, batch: Batch, chance: torch.Generator) -> ShiftDraw:
        return ShiftDraw(hits(self.p, len(batch), chance), uniform(-1.0, 1.0, len(batch), chance))

    def apply(self, batch: Batch, draw: Draw) -> Batch:
        draw = ShiftDraw(*draw)
        return on_rows(batch, draw.hit, draw, self._shifted)

    def _shifted(self, batch: Batch, draw: ShiftDraw) -> Batch:
        lengths, n = batch.lengths, batch.values.shape[1]
        farthest = lengths * self.most_share
        if self.most_s is not None:
            farthest = farthest.clamp(max=self.most_s * batch.rate_hz)
        later = (farthest * draw.shares.to(lengths.device, non_blocking=True)).round().long()
        if self.edge == "zeros":
            # Something of the clip stays: a shift by all of it would leave silence.
            later = later.maximum(1 - lengths).minimum(lengths - 1)
            sources, counts, places = (-later).clamp(min=0), lengths - later.abs(), later.clamp(min=0)
            return batch.changed(values=moved(batch.values, sources[:, None], counts[:, None], places[:, None], n))
        later = later % lengths
        sources = torch.stack([lengths - later, torch.zeros_like(later)], dim=1)
        counts = torch.stack([later, lengths - later], dim=1)
        places = torch.stack([torch.zeros_like(later), later], dim=1)
        return batch.changed(values=moved(batch.values, sources, counts, places, n))
