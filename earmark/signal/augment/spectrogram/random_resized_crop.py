"""A window of the picture, as large as the picture again."""

import math
from typing import Annotated, NamedTuple, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor

from earmark.core.batch import Batch
from earmark.dsp.clipwise import few_at_once
from earmark.dsp.padding import padding_zeroed
from earmark.dsp.warping import FREQ, TIME, between
from earmark.signal.augment.laws import hits
from earmark.signal.augment.rows import on_rows
from earmark.signal.ranges import in_order
from earmark.signal.step import Augment, Draw, Spec

_TRIES = 10


class RandomResizedCropDraw(NamedTuple):
    """Whether a clip is cropped [batch]; the window's sides as shares of the picture's, and where it lies as shares in
    [0, 1) of the room: along frequency and time [batch, 2]."""

    hit: Tensor
    sides: Tensor
    places: Tensor


class RandomResizedCrop(Augment, kind="random_resized_crop"):
    """A random window of bands and frames is stretched to the size of the clip's whole picture, bilinearly.

    From the winning system of R. Baikulov (2019), where it is applied to a third of the clips and "helps a lot". All
    is relative to each clip's own picture, its bands by its length: a clip of any length loses the same part, and no
    window reaches into the padding. There, pictures are 256 frames by 128 bands, and aspects from 1.7 to 2.3 frames a
    band are from 0.85 to 1.15 times the picture's own; for other pictures that ratio is what keeps the meaning.
    """

    p: Annotated[float, Field(ge=0, le=1)] = 0.33
    """The chance that a clip is cropped."""
    low_area: Annotated[float, Field(gt=0, le=1)] = 0.8
    """The smallest share of the picture's area that is kept."""
    high_area: Annotated[float, Field(gt=0, le=1)] = 1.0
    """The largest share; all in between are as likely, as far as windows fit."""
    low_aspect: Annotated[float, Field(gt=0)] = 0.85
    """The smallest ratio of width to height, relative to the picture's: below 1 it loses more of time than of bands."""
    high_aspect: Annotated[float, Field(gt=0)] = 1.15
    """The largest ratio; its logarithm is uniform. Windows that do not fit are drawn again."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        in_order(self, ("low_area", "high_area"), ("low_aspect", "high_aspect"))
        if self.low_area * max(self.low_aspect, 1 / self.high_aspect) > 1:
            raise ValueError(
                f"no window of {self.low_area:g} of the area and an aspect from {self.low_aspect:g} to "
                f"{self.high_aspect:g} fits into a picture; lower low_area or bring the aspects nearer to 1"
            )
        return self

    def after(self, spec: Spec) -> Spec:
        return self.takes(spec, "power", "magnitude", "features")

    def draw(self, batch: Batch, chance: torch.Generator) -> RandomResizedCropDraw:
        n = len(batch)
        hit = hits(self.p, n, chance)
        area, even = torch.rand(2, n, _TRIES, generator=chance)
        area = self.low_area + (self.high_area - self.low_area) * area
        low, high = math.log(self.low_aspect), math.log(self.high_aspect)
        aspect = (low + (high - low) * even).exp()
        sides = torch.stack([(area / aspect).sqrt(), (area * aspect).sqrt()], dim=2)
        return RandomResizedCropDraw(hit, _first_that_fits(sides), torch.rand(n, 2, generator=chance))

    def apply(self, batch: Batch, draw: Draw) -> Batch:
        drawn = RandomResizedCropDraw(*draw)
        return on_rows(batch, drawn.hit, drawn, _cropped)


def _first_that_fits(sides: Tensor) -> Tensor:
    """One window [batch, 2] of several tries [batch, tries, 2]; the whole picture if none of them fits into it."""
    fits = (sides <= 1).all(dim=2)
    first = sides[torch.arange(len(sides)), fits.int().argmax(dim=1)]
    return torch.where(fits.any(dim=1, keepdim=True), first, 1.0)


def _cropped(batch: Batch, draw: RandomResizedCropDraw) -> Batch:
    sides, places = (part.to(batch.values.device, non_blocking=True) for part in draw[1:])

    def read(values: Tensor, lengths: Tensor, sides: Tensor, places: Tensor) -> Tensor:
        counts = (torch.full_like(lengths, values.shape[FREQ]), lengths)
        for i, axis in enumerate((FREQ, TIME)):
            where = _window(sides[:, i], places[:, i], counts[i], values.shape[axis])
            values = between(values, where, counts[i], axis)
        return padding_zeroed(values, lengths) if batch.padded else values

    return batch.changed(values=few_at_once(read, batch.values, batch.lengths, sides, places))


def _window(side: Tensor, place: Tensor, count: Tensor, n: int) -> Tensor:
    """Where to read along one axis [batch, n], so that a window of whole rows or frames fills the picture."""
    width = (side * count).round().clamp(min=1)
    start = (place * (count - width + 1)).floor()
    middles = torch.arange(n, device=side.device) + 0.5
    inside = (middles * (width / count.clamp(min=1))[:, None] - 0.5).clamp(min=0)
    return start[:, None] + torch.minimum(inside, (width - 1)[:, None])
