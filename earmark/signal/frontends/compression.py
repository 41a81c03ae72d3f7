"""The root of the steps that turn power into features by compressing its range: decibels, logarithms and their kin."""

from abc import ABC, abstractmethod

from torch import Tensor, nn

from earmark.signal.frontends.exact import ToFeatures
from earmark.signal.step import FrontEnd, Spec


class Compression(FrontEnd, ABC, family="compression"):
    """A front end from power or magnitude to features of the same shape, without anything to learn; it is called on
    the values."""

    @abstractmethod
    def __call__(self, values: Tensor, spec: Spec) -> Tensor:
        """Features from power or magnitude.

        Args:
            values: [batch, channels, freq, time], 0 and up; what lies in the padding is of no account.
            spec: what the values are.
        """

    def after(self, spec: Spec) -> Spec:
        self.takes(spec, "power", "magnitude", where="put it right after mel or stft")
        return Spec("features", spec.rate_hz, spec.n_channels, spec.n_bands)

    def build(self, spec: Spec) -> nn.Module:
        self.after(spec)
        return _Compressed(self, spec)


class _Compressed(ToFeatures):
    def __init__(self, compression: Compression, spec: Spec) -> None:
        super().__init__()
        self.compression = compression
        self.spec = spec

    def features(self, values: Tensor, lengths: Tensor | None, origins: Tensor) -> Tensor:
        return self.compression(values, self.spec)
