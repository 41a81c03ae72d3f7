"""The convolutional part of the recurrent nets of J. Ebbers and R. Häb-Umbach (2019).

Convolutions and maxima over [freq, time], then all rows of all channels as the channels of convolutions over time. The
recurrent part is the head ``recurrent``, whose defaults are theirs. Pools keep an odd last frame or row, as theirs do.
"""

from typing import Self

from pydantic import Field, model_validator
from torch import Tensor, nn

from earmark.core.spec import Spec
from earmark.models.encoders.encoder import Encoded, Encoder, EncoderModule
from earmark.models.layers.convolution import ConvUnit
from earmark.models.layers.masks import Lengths, max_pooled
from earmark.models.layers.sizes import one_each

Pool = tuple[int, int]


class CRNN(Encoder, kind="crnn"):
    """3x3 convolutions with pools, then convolutions of three frames; one row comes out."""

    widths: tuple[int, ...] = Field((16, 16, 32, 32, 64, 64, 128, 128, 256), min_length=1)
    """Channels that each convolution over [freq, time] gives."""
    pools: tuple[Pool, ...] = ((1, 1), (2, 2), (1, 1), (2, 2), (1, 1), (2, 2), (1, 1), (2, 1), (2, 1))
    """Rows and frames of which the maximum is taken after each of them; [1, 1] does nothing."""
    widths_in_time: tuple[int, ...] = Field((256, 256, 256), min_length=1)
    """Channels that each convolution over time gives."""

    @model_validator(mode="after")
    def _sizes(self) -> Self:
        one_each("convolution", width=self.widths, pool=[min(pool) for pool in self.pools])
        one_each("convolution over time", width=self.widths_in_time)
        return self

    def shortest(self, spec: Spec) -> int:
        return 1

    def build(self, spec: Spec) -> "CRNNModule":
        self.check(spec)
        return CRNNModule(spec, self)


class CRNNModule(EncoderModule):
    """The net itself."""

    def __init__(self, spec: Spec, settings: CRNN) -> None:
        super().__init__()
        self.pools = settings.pools
        n_in, n_rows, self.stride = spec.n_channels, spec.n_bands, 1
        self.units, self.units_in_time = nn.ModuleList(), nn.ModuleList()
        for width, (rows, frames) in zip(settings.widths, settings.pools, strict=True):
            self.units.append(ConvUnit(n_in, width, bias=True))
            n_in, n_rows, self.stride = width, -(-n_rows // rows), self.stride * frames
        n_in *= n_rows
        for width in settings.widths_in_time:
            self.units_in_time.append(ConvUnit(n_in, width, bias=True, one_d=True))
            n_in = width
        self.n_channels, self.n_bands = n_in, 1

    def forward(self, values: Tensor, lengths: Lengths) -> Encoded:
        for unit, pool in zip(self.units, self.pools, strict=True):
            values, lengths = unit(values, lengths)
            if pool != (1, 1):
                values, lengths = max_pooled(values, lengths, pool, ceil=True)
        values = values.flatten(1, 2)
        for unit in self.units_in_time:
            values, lengths = unit(values, lengths)
        return Encoded(values[:, :, None], lengths)
