"""Bands that go silent."""

from typing import Annotated, Literal, NamedTuple, Self

import torch
from pydantic import Field, model_validator

from earmark.core.batch import Batch
from earmark.core.errors import SettingsError
from earmark.signal.augment.laws import hits
from earmark.signal.augment.spectrogram.masking import Fill, covered, hidden
from earmark.signal.step import Augment, Draw, Spec


class FrequencyMaskDraw(NamedTuple):
    """Widths in bands [batch, masks], 0 where nothing is done, and where each lies as a share in [0, 1) of the room."""

    widths: torch.Tensor
    places: torch.Tensor


class FrequencyMask(Augment, kind="frequency_mask"):
    """Neighbouring bands of power or features are replaced, over the whole length of a clip.

    From SpecAugment (D. S. Park et al., 2019), where a mask lies wholly inside the picture. With ``law: centred`` its
    centre may lie on any band and what reaches over the edge is lost, as in O. Akiyama and J. Sato (2019), who put
    zeros into power (widths 16 to 62 of 128 bands, p 0.5).
    """

    p: Annotated[float, Field(ge=0, le=1)] = 0.5
    """The chance that a clip is masked."""
    n_masks: Annotated[int, Field(ge=1)] = 1
    """How many masks a clip that is masked gets; they may overlap."""
    narrowest_bands: Annotated[int, Field(ge=0)] = 0
    """The smallest width of a mask."""
    widest_bands: Annotated[int, Field(ge=1)] = 16
    """The largest width of a mask; all widths in between are as likely."""
    law: Literal["inside", "centred"] = "inside"
    """Whether masks lie wholly inside the picture or only their centres do."""
    fill: Fill = "zero"
    """What is put there: zero (silence in power) or the mean of the clip."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.narrowest_bands > self.widest_bands:
            raise ValueError(
                f"narrowest_bands must not be above widest_bands, got {self.narrowest_bands} and {self.widest_bands}"
            )
        return self

    def after(self, spec: Spec) -> Spec:
        self.takes(spec, "power", "magnitude", "features")
        if self.widest_bands > spec.n_bands:
            raise SettingsError(
                f"a frequency mask of up to {self.widest_bands} bands is wider than the picture of {spec.n_bands}; "
                "lower widest_bands"
            )
        return spec

    def draw(self, batch: Batch, chance: torch.Generator) -> FrequencyMaskDraw:
        n, shape = len(batch), (len(batch), self.n_masks)
        hit = hits(self.p, n, chance)
        widths = torch.randint(self.narrowest_bands, self.widest_bands + 1, shape, generator=chance)
        return FrequencyMaskDraw(widths * hit[:, None], torch.rand(shape, generator=chance))

    def apply(self, batch: Batch, draw: Draw) -> Batch:
        n_bands = batch.values.shape[2]
        widths, places = (part.to(batch.values.device, non_blocking=True) for part in FrequencyMaskDraw(*draw))
        if self.law == "inside":
            starts = (places * (n_bands - widths + 1)).long()
        else:
            starts = (places * n_bands).long() - widths // 2
        return batch.changed(values=hidden(batch, covered(starts, widths, n_bands)[:, :, None], self.fill))
