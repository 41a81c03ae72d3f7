"""Convolutions one after another, without padding or pools.

The defaults stand in front of the LSTM in the oldest net of J. Deng (2019): 5x5, 3x3 and 3x3 with stride 2, each with
batch norm and ReLU. On 40 bands they leave 16 rows of 64 channels, the 1024 numbers a frame that his LSTM takes: head
``recurrent`` with ``{cell: lstm, units: 512}``.
"""

from typing import Self

from pydantic import Field, model_validator
from torch import Tensor, nn

from earmark.core.errors import SettingsError
from earmark.core.spec import Spec
from earmark.models.encoders.encoder import Encoded, Encoder, EncoderModule
from earmark.models.layers.convolution import ConvUnit
from earmark.models.layers.masks import Lengths, fewest
from earmark.models.layers.sizes import one_each


class PlainCNN(Encoder, kind="plain_cnn"):
    """Square convolutions without padding, each with batch norm and ReLU."""

    widths: tuple[int, ...] = Field((16, 32, 64), min_length=1)
    """Channels that each convolution gives."""
    kernels: tuple[int, ...] = (5, 3, 3)
    """Bands and frames that each convolution sees."""
    strides: tuple[int, ...] = (1, 1, 2)
    """By how many bands and frames each convolution moves on."""

    @model_validator(mode="after")
    def _sizes(self) -> Self:
        one_each("convolution", width=self.widths, kernel=self.kernels, stride=self.strides)
        return self

    def check(self, spec: Spec) -> None:
        super().check(spec)
        if spec.n_bands < self.shortest(spec):
            raise SettingsError(
                f"the convolutions of plain_cnn need {self.shortest(spec)} bands, but the view gives {spec.n_bands}; "
                "use more bands or smaller kernels"
            )

    def shortest(self, spec: Spec) -> int:
        return fewest((kernel, stride, 0) for kernel, stride in zip(self.kernels, self.strides, strict=True))

    def build(self, spec: Spec) -> "PlainCNNModule":
        self.check(spec)
        return PlainCNNModule(spec, self)


class PlainCNNModule(EncoderModule):
    """The net itself."""

    def __init__(self, spec: Spec, settings: PlainCNN) -> None:
        super().__init__()
        self.n_channels, self.n_bands, self.stride = spec.n_channels, spec.n_bands, 1
        units = []
        for width, kernel, stride in zip(settings.widths, settings.kernels, settings.strides, strict=True):
            units.append(ConvUnit(self.n_channels, width, kernel, stride, 0, bias=True))
            self.n_channels, self.n_bands = width, (self.n_bands - kernel) // stride + 1
            self.stride *= stride
        self.units = nn.ModuleList(units)

    def forward(self, values: Tensor, lengths: Lengths) -> Encoded:
        for unit in self.units:
            values, lengths = unit(values, lengths)
        return Encoded(values, lengths)
