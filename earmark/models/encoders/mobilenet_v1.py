"""MobileNet v1 (A. Howard et al., 2017), as the baseline of the challenge of 2019 has it (E. Fonseca et al., 2019).

Convolutions over each channel by itself and then over all channels at one place stand for full ones, at a ninth of the
cost. The baseline starts with 16 channels at stride 1 where the paper starts with 32 at stride 2, because it looks at
96 frames of 96 bands; it pools by the maximum and has one linear layer: head ``pooled`` with ``{hidden: [],
dropout: [], input_dropout: 0.4}``. Stride 2 is padded alike on both sides here, not more at the end.
"""

from typing import Self

from pydantic import Field, model_validator
from torch import Tensor, nn

from earmark.core.spec import Spec
from earmark.models.encoders.encoder import Encoded, Encoder, EncoderModule
from earmark.models.layers.convolution import ConvUnit
from earmark.models.layers.masks import Lengths
from earmark.models.layers.sizes import one_each, scaled
from earmark.models.statistics import batch_norms


class MobileNetV1(Encoder, kind="mobilenet_v1"):
    """A 3x3 convolution, then pairs of one over each channel and one over all channels."""

    widths: tuple[int, ...] = Field((64, 128, 128, 256, 256, *[512] * 6, 1024, 1024), min_length=1)
    """Channels that each pair gives at width 1."""
    strides: tuple[int, ...] = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1)
    """By how much each pair divides bands and frames."""
    width: float = Field(1.0, gt=0)
    """Channels of all layers as a share of these."""
    stem: int = Field(16, ge=1)
    """Channels of the first convolution at width 1; the paper has 32."""
    stem_stride: int = Field(1, ge=1, le=2)
    """By how many bands and frames it moves on; the paper has 2."""
    norm_steps: float = Field(10.0, ge=1)
    """How many steps the running statistics of batch norm reach back: each step moves them by one part in so many. The
    baseline has 3333.3, a decay of 0.9997; a training of fewer steps then ends with statistics of no data."""

    @model_validator(mode="after")
    def _sizes(self) -> Self:
        one_each("pair", width=self.widths, stride=self.strides)
        return self

    def shortest(self, spec: Spec) -> int:
        return 1

    def build(self, spec: Spec) -> "MobileNetV1Module":
        self.check(spec)
        return MobileNetV1Module(spec, self)


class MobileNetV1Module(EncoderModule):
    """The net itself."""

    def __init__(self, spec: Spec, settings: MobileNetV1) -> None:
        super().__init__()
        layers = zip((settings.stem, *settings.widths), (settings.stem_stride, *settings.strides), strict=True)
        n_in, self.n_bands, self.stride = spec.n_channels, spec.n_bands, 1
        self.units = nn.ModuleList()
        for i, (channels, stride) in enumerate(layers):
            n_out = scaled(channels, settings.width)
            if i:
                self.units.append(ConvUnit(n_in, n_in, 3, stride, groups=n_in))
                self.units.append(ConvUnit(n_in, n_out, 1))
            else:
                self.units.append(ConvUnit(n_in, n_out, 3, stride))
            n_in, self.n_bands, self.stride = n_out, -(-self.n_bands // stride), self.stride * stride
        self.n_channels = n_in
        for norm in batch_norms(self.units):
            norm.momentum = 1 / settings.norm_steps

    def forward(self, values: Tensor, lengths: Lengths) -> Encoded:
        for unit in self.units:
            values, lengths = unit(values, lengths)
        return Encoded(values, lengths)
