"""Pictures that run faster in one part and slower in the other."""

from typing import Annotated, NamedTuple

import torch
from pydantic import Field
from torch import Tensor

from earmark.core.batch import Batch
from earmark.core.errors import SettingsError
from earmark.dsp.clipwise import few_at_once
from earmark.dsp.padding import padding_zeroed
from earmark.dsp.warping import TIME, bent, between
from earmark.signal.augment.laws import hits
from earmark.signal.augment.rows import on_rows
from earmark.signal.step import Augment, Draw, Spec


class TimeWarpDraw(NamedTuple):
    """Whether a clip is warped [batch]; where its point lies, as a share in [0, 1) of the room; how far it is moved,
    as a share in [-1, 1) of the furthest."""

    hit: torch.Tensor
    place: torch.Tensor
    move: torch.Tensor


class TimeWarp(Augment, kind="time_warp"):
    """A point of time moves earlier or later, both sides are stretched evenly to fit, and the clip's length is kept.

    From SpecAugment (D. S. Park et al., 2019): the point lies at least the furthest move away from both ends. Frames
    are interpolated linearly.
    """

    p: Annotated[float, Field(ge=0, le=1)] = 0.5
    """The chance that a clip is warped."""
    furthest_s: Annotated[float, Field(gt=0)] = 0.4
    """How far the point moves at most; all moves up to there, either way, are as likely."""
    furthest_share: Annotated[float, Field(gt=0, lt=0.5)] = 0.25
    """The largest part of its clip by which the point moves, which matters in short clips."""

    def after(self, spec: Spec) -> Spec:
        self.takes(spec, "power", "magnitude", "features")
        if self.furthest_s * spec.rate_hz < 1:
            raise SettingsError(
                f"a time warp of at most {self.furthest_s:g} s is less than a frame of {1 / spec.rate_hz:.3g} s and "
                "would hardly move anything; raise furthest_s"
            )
        return spec

    def draw(self, batch: Batch, chance: torch.Generator) -> TimeWarpDraw:
        n = len(batch)
        hit = hits(self.p, n, chance)
        return TimeWarpDraw(hit, torch.rand(n, generator=chance), 2 * torch.rand(n, generator=chance) - 1)

    def apply(self, batch: Batch, draw: Draw) -> Batch:
        drawn = TimeWarpDraw(*draw)
        return on_rows(batch, drawn.hit, drawn, self._warped)

    def _warped(self, batch: Batch, draw: TimeWarpDraw) -> Batch:
        place, move = (part.to(batch.values.device, non_blocking=True) for part in draw[1:])
        furthest = (batch.lengths * self.furthest_share).clamp(max=self.furthest_s * batch.rate_hz)
        source = furthest + place * (batch.lengths - 2 * furthest)
        middles = torch.arange(batch.values.shape[TIME], device=place.device) + 0.5
        places = bent(middles, source, source + move * furthest, batch.lengths) - 0.5

        def read(values: Tensor, places: Tensor, lengths: Tensor) -> Tensor:
            values = between(values, places, lengths, TIME)
            return padding_zeroed(values, lengths) if batch.padded else values

        return batch.changed(values=few_at_once(read, batch.values, places, batch.lengths))
