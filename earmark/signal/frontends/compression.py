"""The root of the steps that turn power into features by compressing its range: decibels, logarithms and their kin."""

from abc import ABC, abstractmethod

from torch import Tensor, nn

from earmark.core.errors import SettingsError
from earmark.signal.frontends.exact import ToFeatures
from earmark.signal.step import FrontEnd, Spec


class Compression(FrontEnd, ABC, family="compression"):
    """A front end from power to features of the same shape, without anything to learn; it is called on the values."""

    @abstractmethod
    def __call__(self, power: Tensor) -> Tensor:
        """Features from power, both [batch, channels, freq, time]; what lies in the padding is of no account."""

    def after(self, spec: Spec) -> Spec:
        if spec.domain != "power":
            raise SettingsError(f"{self.kind} compresses power, but {spec.domain} comes in; put a mel step before it")
        return Spec("features", spec.rate_hz, spec.n_channels, spec.n_bands)

    def build(self, spec: Spec) -> nn.Module:
        self.after(spec)
        return _Compressed(self)


class _Compressed(ToFeatures):
    def __init__(self, compression: Compression) -> None:
        super().__init__()
        self.compression = compression

    def features(self, values: Tensor, lengths: Tensor | None, origins: Tensor) -> Tensor:
        return self.compression(values)
