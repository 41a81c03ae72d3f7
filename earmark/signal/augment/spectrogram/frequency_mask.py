"""Bands that go silent."""

from typing import Annotated, Literal, NamedTuple, Self

import torch
from pydantic import Field, model_validator

from earmark.core.batch import Batch
from earmark.core.errors import SettingsError
from earmark.dsp.pieces import place_of
from earmark.signal.augment.laws import hits
from earmark.signal.augment.spectrogram.masking import Fill, covered, hidden
from earmark.signal.ranges import in_order
from earmark.signal.step import Augment, Draw, Spec


class FrequencyMaskDraw(NamedTuple):
    """Widths in bands [batch, masks], 0 where nothing is done, and where each lies as a share in [0, 1) of the room."""

    widths: torch.Tensor
    places: torch.Tensor


class FrequencyMask(Augment, kind="frequency_mask"):
    """Neighbouring bands of power or features are replaced, over the whole length of a clip.

    From SpecAugment (D. S. Park et al., 2019), where a mask lies wholly inside the picture. With ``law: centred`` its
    centre may lie on any band and what reaches over the edge is lost.

    O. Akiyama and J. Sato (2019) report the masks of SpecAugment with widths from 8 to 32 of 128 bands, which is
    ``{narrowest_bands: 8, widest_bands: 32}``. What their program does, and what their scores come from, is to mask as
    many bands on either side of a centre: 16 to 62 bands, even numbers only, less at the edges. That is ``{law:
    half_width, narrowest_bands: 8, widest_bands: 31}``; both with p 0.5, on power, filled with zeros.
    """

    p: Annotated[float, Field(ge=0, le=1)] = 0.5
    """The chance that a clip is masked."""
    n_masks: Annotated[int, Field(ge=1)] = 1
    """How many masks a clip that is masked gets; they may overlap."""
    narrowest_bands: Annotated[int, Field(ge=0)] = 0
    """The smallest width of a mask; with ``half_width``, of its half."""
    widest_bands: Annotated[int, Field(ge=1)] = 16
    """The largest width of a mask, or of its half; all widths in between are as likely."""
    law: Literal["inside", "centred", "half_width"] = "inside"
    """Whether masks lie wholly inside the picture or only their centres do; ``half_width`` is centred and twice
    as wide."""
    fill: Fill = "zero"
    """What is put there: zero (silence in power), the mean or the minimum of the clip."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        return in_order(self, ("narrowest_bands", "widest_bands"))

    @property
    def _widths_each(self) -> int:
        """How many of the drawn widths make a mask."""
        return 2 if self.law == "half_width" else 1

    def after(self, spec: Spec) -> Spec:
        self.takes(spec, "power", "magnitude", "features")
        widest = self.widest_bands * self._widths_each
        if widest > spec.n_bands:
            raise SettingsError(
                f"a frequency mask of up to {widest} bands is wider than the picture of {spec.n_bands}; "
                "lower widest_bands"
            )
        return spec

    def draw(self, batch: Batch, chance: torch.Generator) -> FrequencyMaskDraw:
        n, shape = len(batch), (len(batch), self.n_masks)
        hit = hits(self.p, n, chance)
        widths = torch.randint(self.narrowest_bands, self.widest_bands + 1, shape, generator=chance)
        return FrequencyMaskDraw(widths * self._widths_each * hit[:, None], torch.rand(shape, generator=chance))

    def apply(self, batch: Batch, draw: Draw) -> Batch:
        n_bands = batch.values.shape[2]
        widths, places = (part.to(batch.values.device, non_blocking=True) for part in FrequencyMaskDraw(*draw))
        if self.law == "inside":
            starts = place_of(places, n_bands - widths)
        else:
            starts = place_of(places, torch.full_like(widths, n_bands - 1)) - widths // 2
        return batch.changed(values=hidden(batch, covered(starts, widths, n_bands)[:, :, None], self.fill))
