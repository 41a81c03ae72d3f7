"""Other rooms, other microphones: random weights on neighbouring bands."""

from typing import Annotated, Literal, NamedTuple, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor

from earmark.core.batch import Batch
from earmark.core.errors import SettingsError
from earmark.dsp.padding import padding_zeroed
from earmark.signal.augment.laws import hits
from earmark.signal.ranges import in_order
from earmark.signal.step import Augment, Draw, Spec


class FilterAugmentDraw(NamedTuple):
    """The weight of each band of each clip in dB [batch, bands], 0 where nothing is done."""

    weight_db: Tensor


class FilterAugment(Augment, kind="filter_augment"):
    """Each clip is filtered: its bands are cut into a few parts, and each part becomes louder or softer.

    FilterAugment (H. Nam, S.-H. Kim and Y.-H. Park, 2022). Power and magnitude are multiplied. To features the
    weights are added in the features' own unit, so put it between ``decibel`` and a normalisation, where the unit is dB
    and the result is the same but for the floor; behind ``log`` write low_db and high_db in nepers (6 dB of power are
    1.38), behind a normalisation in standard deviations.
    """

    p: Annotated[float, Field(ge=0, le=1)] = 0.5
    """The chance that a clip is filtered."""
    low_db: float = -6.0
    """The smallest weight."""
    high_db: float = 6.0
    """The largest weight; all in between are as likely."""
    fewest_parts: Annotated[int, Field(ge=1)] = 2
    """The smallest number of parts into which the bands are cut."""
    most_parts: Annotated[int, Field(ge=1)] = 5
    """The largest number of parts."""
    narrowest_bands: Annotated[int, Field(ge=1)] = 4
    """How many bands a part has at least."""
    law: Literal["step", "linear"] = "linear"
    """Whether the weight is the same all over a part, or drawn at the borders and linear in between."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        return in_order(self, ("low_db", "high_db"), ("fewest_parts", "most_parts"))

    def after(self, spec: Spec) -> Spec:
        self.takes(spec, "power", "magnitude", "features")
        if self.most_parts * self.narrowest_bands > spec.n_bands:
            raise SettingsError(
                f"{self.most_parts} parts of {self.narrowest_bands} bands or more do not fit into the picture of "
                f"{spec.n_bands}; lower most_parts or narrowest_bands"
            )
        return spec

    def draw(self, batch: Batch, chance: torch.Generator) -> FilterAugmentDraw:
        n, n_bands, most = len(batch), batch.values.shape[2], self.most_parts
        hit = hits(self.p, n, chance)
        n_parts = torch.randint(self.fewest_parts, most + 1, (n, 1), generator=chance)
        cuts, even = torch.rand(n, most - 1, generator=chance), torch.rand(n, most + 1, generator=chance)
        weights = self.low_db + (self.high_db - self.low_db) * even
        return FilterAugmentDraw(self._curve(self._borders(n_parts, cuts, n_bands), weights, n_bands) * hit[:, None])

    def _borders(self, n_parts: Tensor, cuts: Tensor, n_bands: int) -> Tensor:
        """Where parts begin and end [batch, most + 1]: 0, the inner borders, and the number of bands ever after.

        Every way to leave each part its narrowest width is drawn from even numbers in the room that is left.
        """
        inner = torch.arange(1, self.most_parts)
        used = inner < n_parts
        room = n_bands - n_parts * self.narrowest_bands + 1
        offsets = torch.where(used, (cuts * room).long(), n_bands).sort(dim=1).values
        borders = torch.where(used, offsets + inner * self.narrowest_bands, n_bands)
        return torch.nn.functional.pad(torch.nn.functional.pad(borders, (1, 0)), (0, 1), value=n_bands)

    def _curve(self, borders: Tensor, weights: Tensor, n_bands: int) -> Tensor:
        """The weight of each band [batch, bands]."""
        bands = torch.arange(n_bands).expand(len(borders), -1).contiguous()
        part = torch.searchsorted(borders[:, 1:-1].contiguous(), bands, right=True)
        if self.law == "step":
            return weights.gather(1, part)
        first, end = borders.gather(1, part), borders.gather(1, part + 1)
        share = (bands - first) / (end - 1 - first).clamp(min=1)
        return torch.lerp(weights.gather(1, part), weights.gather(1, part + 1), share)

    def apply(self, batch: Batch, draw: Draw) -> Batch:
        weight_db = FilterAugmentDraw(*draw).weight_db.to(batch.values.device, non_blocking=True)[:, None, :, None]
        if batch.domain == "features":
            values = batch.values + weight_db
            return batch.changed(values=padding_zeroed(values, batch.lengths) if batch.padded else values)
        return batch.changed(values=batch.values * 10.0 ** (weight_db / (10.0 if batch.domain == "power" else 20.0)))
