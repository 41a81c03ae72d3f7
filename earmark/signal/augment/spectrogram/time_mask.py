"""Moments that go silent."""

from typing import Annotated, NamedTuple, Self

import torch
from pydantic import Field, model_validator

from earmark.core.batch import Batch
from earmark.core.errors import SettingsError
from earmark.dsp.pieces import place_of
from earmark.signal.augment.laws import hits
from earmark.signal.augment.spectrogram.masking import Fill, covered, hidden
from earmark.signal.ranges import in_order
from earmark.signal.step import Augment, Draw, Spec


class TimeMaskDraw(NamedTuple):
    """Whether a clip is masked [batch]; how wide and where its masks are [batch, masks], as shares in [0, 1)."""

    hit: torch.Tensor
    widths: torch.Tensor
    places: torch.Tensor


class TimeMask(Augment, kind="time_mask"):
    """Neighbouring frames of power or features are replaced, over all bands.

    From SpecAugment (D. S. Park et al., 2019), with its upper bound relative to the length: no mask takes more than a
    share of its clip, so short clips are not blanked. It lies wholly inside the clip, never in the padding.
    """

    p: Annotated[float, Field(ge=0, le=1)] = 0.5
    """The chance that a clip is masked."""
    n_masks: Annotated[int, Field(ge=1)] = 1
    """How many masks a clip that is masked gets; they may overlap."""
    narrowest_s: Annotated[float, Field(ge=0)] = 0.0
    """The smallest width of a mask, where the share allows it."""
    widest_s: Annotated[float, Field(gt=0)] = 0.5
    """The largest width of a mask; all widths in between are as likely."""
    widest_share: Annotated[float, Field(gt=0, le=1)] = 0.25
    """The largest part of its clip that one mask may take."""
    fill: Fill = "zero"
    """What is put there: zero (silence in power), the mean or the minimum of the clip."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        return in_order(self, ("narrowest_s", "widest_s"))

    def after(self, spec: Spec) -> Spec:
        self.takes(spec, "power", "magnitude", "features")
        if self.widest_s * spec.rate_hz < 1:
            raise SettingsError(
                f"a time mask of at most {self.widest_s:g} s is narrower than a frame of {1 / spec.rate_hz:.3g} s and "
                "would never hide anything; raise widest_s"
            )
        return spec

    def draw(self, batch: Batch, chance: torch.Generator) -> TimeMaskDraw:
        shape = (len(batch), self.n_masks)
        hit = hits(self.p, len(batch), chance)
        return TimeMaskDraw(hit, torch.rand(shape, generator=chance), torch.rand(shape, generator=chance))

    def apply(self, batch: Batch, draw: Draw) -> Batch:
        hit, widths, places = (part.to(batch.values.device, non_blocking=True) for part in TimeMaskDraw(*draw))
        lengths = batch.lengths[:, None]
        most = (lengths * self.widest_share).clamp(max=round(self.widest_s * batch.rate_hz)).long()
        least = most.clamp(max=round(self.narrowest_s * batch.rate_hz))
        frames = (least + place_of(widths, most - least)) * hit[:, None]
        starts = place_of(places, lengths - frames)
        mask = covered(starts, frames, batch.values.shape[3])
        return batch.changed(values=hidden(batch, mask[:, None, :], self.fill))
