"""The head of most published nets: pool over time and frequency, then fully connected layers."""

from typing import Literal, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor

from earmark.core.errors import SettingsError
from earmark.models.encoders.encoder import Encoded, EncoderModule, Shape
from earmark.models.heads.head import HeadModule
from earmark.models.heads.layered import Layered
from earmark.models.heads.pooling import max_over_time, mean_over_time

OverTime = Literal["mean", "max", "mean_max"]
OverBands = Literal["mean", "max", "flat"]


class Pooled(Layered, kind="pooled"):
    """Pool over the time that is signal and over frequency, then layers.

    The defaults are the head of O. Akiyama and J. Sato (2019): the maximum over both, 1024 units twice, dropout .2 and
    .1; ``bands: flat`` keeps frequency rows apart, as their net on waves has it. With ``taps`` the pooled vectors of
    all taps of the encoder stand side by side, which ex4sperans (2019) calls deep supervision. With ``tap`` it looks at
    one of them only, as auxiliary classifiers do.
    """

    time: OverTime = "max"
    """Mean or maximum over time, or their sum."""
    bands: OverBands = "max"
    """Mean or maximum over frequency, or all its rows side by side."""
    tap: int | None = Field(None, ge=0)
    """The one tap that is pooled instead of the last maps, 0 the earliest; null: the last maps."""
    hidden: tuple[int, ...] | Literal["same"] = (1024, 1024)
    """Units of each hidden layer, if any; ``same`` is one layer of as many as are pooled."""
    dropout: tuple[float, ...] | float = (0.2, 0.1)
    """Share of each hidden layer dropped in training; one number for all, or one a layer."""

    @model_validator(mode="after")
    def _all_taps_or_one(self) -> Self:
        if self.taps and self.tap is not None:
            raise ValueError(f"a head pools all taps or one, got taps: true and tap: {self.tap}; leave one of them out")
        return self

    def build(self, encoder: EncoderModule, n_classes: int) -> "PooledModule":
        return PooledModule(self, self.shapes(encoder), n_classes)

    def shapes(self, encoder: EncoderModule) -> tuple[Shape, ...]:
        if self.tap is None:
            return super().shapes(encoder)
        if self.tap >= len(encoder.taps):
            raise SettingsError(
                f"head 'pooled' looks at tap {self.tap}, but this encoder has {len(encoder.taps)} taps, counted "
                "from 0; choose another, or leave tap out"
            )
        return (encoder.taps[self.tap],)

    def parts(self, encoded: Encoded) -> tuple[Encoded, ...]:
        return super().parts(encoded) if self.tap is None else (encoded.taps[self.tap],)


class PooledModule(HeadModule):
    """The head itself."""

    def __init__(self, settings: Pooled, shapes: tuple[Shape, ...], n_classes: int) -> None:
        super().__init__()
        self.settings = settings
        n = sum(shape.n_channels * (shape.n_bands if settings.bands == "flat" else 1) for shape in shapes)
        self.layers = settings.perceptron(n, n_classes)

    def forward(self, encoded: Encoded) -> Tensor:
        pooled = [self._pooled(part) for part in self.settings.parts(encoded)]
        logits: Tensor = self.layers(torch.cat(pooled, dim=1))
        return logits

    def _pooled(self, encoded: Encoded) -> Tensor:
        time = self.settings.time
        found = [mean_over_time(encoded)] if time != "max" else []
        found += [max_over_time(encoded)] if time != "mean" else []
        pooled = torch.stack(found).sum(dim=0)
        if self.settings.bands == "flat":
            return pooled.flatten(1)
        return pooled.mean(dim=2) if self.settings.bands == "mean" else pooled.amax(dim=2)
