"""Tells a convolutional net where on the frequency axis it is."""

from typing import Self

import torch
from pydantic import model_validator
from torch import Tensor, nn

from earmark.signal.frontends.exact import ToFeatures
from earmark.signal.step import FrontEnd, Spec


class FrequencyMap(FrontEnd, kind="frequency_map"):
    """Appends one channel that goes linearly along frequency, from the lowest band to the highest.

    A convolution does the same everywhere; with this channel it can tell a hum from a whistle (ex4sperans, third in
    the Freesound Audio Tagging challenge of 2019; R. Liu et al., "An intriguing failing of convolutional neural
    networks and the CoordConv solution", 2018). It belongs behind any normalisation, which would stretch it.
    """

    low: float = -1.0
    """Its value at the lowest band."""
    high: float = 1.0
    """Its value at the highest band."""

    @model_validator(mode="after")
    def _goes_somewhere(self) -> Self:
        if self.low == self.high:
            raise ValueError(
                f"a map that is {self.low:g} everywhere says nothing of frequency; make high another value"
            )
        return self

    def after(self, spec: Spec) -> Spec:
        self.takes(spec, "features")
        return Spec("features", spec.rate_hz, spec.n_channels + 1, spec.n_bands)

    def build(self, spec: Spec) -> nn.Module:
        self.after(spec)
        return _Mapped(self, spec.n_bands)


class _Mapped(ToFeatures):
    map: Tensor

    def __init__(self, settings: FrequencyMap, n_bands: int) -> None:
        super().__init__()
        self.register_buffer("map", torch.linspace(settings.low, settings.high, n_bands)[:, None], persistent=False)

    def n_channels(self, came: int) -> int:
        return came + 1

    def features(self, values: Tensor, lengths: Tensor | None, origins: Tensor) -> Tensor:
        return torch.cat([values, self.map.expand_as(values[:, :1])], dim=1)
