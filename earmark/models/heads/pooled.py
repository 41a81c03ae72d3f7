"""The head of most published nets: pool over time and frequency, then fully connected layers."""

from typing import Literal, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor

from earmark.core.errors import SettingsError
from earmark.models.encoders.encoder import Encoded, EncoderModule, Shape
from earmark.models.heads.head import Head, HeadModule
from earmark.models.heads.pooling import max_over_time, mean_over_time
from earmark.models.layers.convolution import ActivationName
from earmark.models.layers.perceptron import NormPlace, Perceptron

OverTime = Literal["mean", "max", "mean_max"]
OverBands = Literal["mean", "max", "flat"]


class Pooled(Head, kind="pooled"):
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
    taps: bool = False
    """Whether the taps of the encoder are pooled, one by one, instead of its last maps."""
    tap: int | None = Field(None, ge=0)
    """The one tap that is pooled instead of the last maps, 0 the earliest; null: the last maps."""
    hidden: tuple[int, ...] | Literal["same"] = (1024, 1024)
    """Units of each hidden layer, if any; ``same`` is one layer of as many as are pooled."""
    dropout: tuple[float, ...] | float = (0.2, 0.1)
    """Share of each hidden layer dropped in training; one number for all, or one a layer."""
    input_dropout: float = Field(0.0, ge=0, lt=1)
    """Share of what is pooled dropped in training."""
    act: ActivationName = "relu"
    """The activation of the hidden layers."""
    slopes: Literal["one", "each"] = "each"
    """Whether a PReLU has one slope for all units or one for each."""
    norm: NormPlace = "none"
    """Where the batch norm of hidden layers stands."""
    input_norm: bool = False
    """Whether what is pooled goes through batch norm first."""
    prior: float | None = Field(None, gt=0, lt=1)
    """Probability that every class starts from; null starts at one half."""

    @model_validator(mode="after")
    def _all_taps_or_one(self) -> Self:
        if self.taps and self.tap is not None:
            raise ValueError(f"a head pools all taps or one, got taps: true and tap: {self.tap}; leave one of them out")
        return self

    @model_validator(mode="after")
    def _one_dropout_a_layer(self) -> Self:
        if isinstance(self.dropout, tuple) and len(self.dropout) != self.n_layers:
            raise ValueError(
                f"{self.n_layers} hidden layers need as many numbers in dropout, got {len(self.dropout)}; "
                "give one for each, or one number for all"
            )
        if any(not 0 <= share < 1 for share in self.dropouts):
            raise ValueError(f"dropout is a share from 0 to below 1, got {self.dropout}")
        return self

    @property
    def n_layers(self) -> int:
        """How many hidden layers."""
        return 1 if self.hidden == "same" else len(self.hidden)

    @property
    def dropouts(self) -> tuple[float, ...]:
        """One share a hidden layer."""
        return self.dropout if isinstance(self.dropout, tuple) else (self.dropout,) * self.n_layers

    def build(self, encoder: EncoderModule, n_classes: int) -> "PooledModule":
        if self.taps and not encoder.taps:
            raise SettingsError(
                "head 'pooled' is to pool the taps of the encoder, but this encoder has none; set taps: false"
            )
        if self.tap is not None and self.tap >= len(encoder.taps):
            raise SettingsError(
                f"head 'pooled' is to pool tap {self.tap}, but this encoder has {len(encoder.taps)} taps, counted from "
                "0; choose another, or leave tap out"
            )
        shapes = encoder.taps if self.taps else (Shape(encoder.n_channels, encoder.n_bands, encoder.stride),)
        if self.tap is not None:
            shapes = (encoder.taps[self.tap],)
        return PooledModule(self, shapes, n_classes)


class PooledModule(HeadModule):
    """The head itself."""

    def __init__(self, settings: Pooled, shapes: tuple[Shape, ...], n_classes: int) -> None:
        super().__init__()
        self.settings = settings
        n = sum(shape.n_channels * (shape.n_bands if settings.bands == "flat" else 1) for shape in shapes)
        self.norm = torch.nn.BatchNorm1d(n) if settings.input_norm else torch.nn.Identity()
        self.layers = Perceptron(
            n,
            (n,) if settings.hidden == "same" else settings.hidden,
            n_classes,
            act=settings.act,
            norm=settings.norm,
            slopes=settings.slopes,
            input_dropout=settings.input_dropout,
            dropout=settings.dropouts,
            prior=settings.prior,
        )

    def forward(self, encoded: Encoded) -> Tensor:
        settings = self.settings
        parts = encoded.taps if settings.taps else (encoded if settings.tap is None else encoded.taps[settings.tap],)
        logits: Tensor = self.layers(self.norm(torch.cat([self._pooled(part) for part in parts], dim=1)))
        return logits

    def _pooled(self, encoded: Encoded) -> Tensor:
        time = self.settings.time
        found = [mean_over_time(encoded)] if time != "max" else []
        found += [max_over_time(encoded)] if time != "mean" else []
        pooled = torch.stack(found).sum(dim=0)
        if self.settings.bands == "flat":
            return pooled.flatten(1)
        return pooled.mean(dim=2) if self.settings.bands == "mean" else pooled.amax(dim=2)
