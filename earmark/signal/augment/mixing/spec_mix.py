"""Bands and moments out of another clip."""

from typing import Annotated, NamedTuple

import torch
from pydantic import Field
from torch import Tensor

from earmark.core.batch import Batch
from earmark.core.errors import SettingsError
from earmark.dsp.pieces import place_of
from earmark.signal.augment.mixing.labels import Labels, labels_of
from earmark.signal.augment.mixing.mixing import Mixing
from earmark.signal.augment.mixing.places import segment
from earmark.signal.step import Spec


class SpecMixNumbers(NamedTuple):
    """The width and place of the band and of the moment, all as shares in [0, 1) of what is possible."""

    bands: Tensor
    low: Tensor
    frames: Tensor
    start: Tensor


class SpecMix(Mixing, kind="spec_mix"):
    """One block of bands and one block of frames are replaced by those of one other clip (E. Bouteillon, 2019).

    The label weights are the shares of the picture's area. Nothing is replaced where the partner has no signal.
    """

    p: Annotated[float, Field(ge=0, le=1)] = 0.5
    """The chance that a clip is mixed."""
    widest_bands: Annotated[int, Field(ge=0)] = 16
    """The most bands that are replaced; all numbers from none to this are as likely."""
    widest_s: Annotated[float, Field(ge=0)] = 0.5
    """The longest time that is replaced; anything from nothing to this is as likely."""
    labels: Labels = "linear"
    """Targets mixed by area, or present wherever either clip has them."""

    def after(self, spec: Spec) -> Spec:
        self.takes(spec, "power", "magnitude", "features")
        if self.widest_bands > spec.n_bands:
            raise SettingsError(
                f"a block of up to {self.widest_bands} bands is wider than the picture of {spec.n_bands}; "
                "lower widest_bands"
            )
        if not self.widest_bands and self.widest_s * spec.rate_hz < 1:
            raise SettingsError(
                f"no band and less than a frame of {1 / spec.rate_hz:.3g} s would be replaced; raise widest_bands or "
                "widest_s"
            )
        return spec

    def numbers(self, n: int, chance: torch.Generator) -> SpecMixNumbers:
        return SpecMixNumbers(*torch.rand(4, n, generator=chance))

    def mixed(self, own: Batch, mate: Batch, numbers: SpecMixNumbers) -> Batch:
        n_bands, n_frames = own.values.shape[2:]
        common = torch.minimum(own.lengths, mate.lengths)
        bands = place_of(numbers.bands, torch.full_like(common, self.widest_bands))
        low = place_of(numbers.low, n_bands - bands)
        frames = place_of(numbers.frames, common.clamp(max=round(self.widest_s * own.rate_hz)))
        start = place_of(numbers.start, common - frames)
        within = segment(torch.zeros_like(common), common, n_frames)[:, None]
        band = segment(low, bands, n_bands)[:, :, None] * within
        replaced = torch.maximum(band, segment(start, frames, n_frames)[:, None])[:, None].to(own.values.dtype)
        area = (bands * common + frames * (n_bands - bands)) / (n_bands * own.lengths)
        return own.changed(
            values=torch.lerp(own.values, mate.values, replaced),
            **labels_of(own, mate, self.labels, 1.0 - area),
        )
