"""The small residual net of J. Deng (2019): four basic blocks, of which all but the first halve bands and frames.

His head is ``pooled`` with ``{time: mean, bands: mean, hidden: [128], input_dropout: 0.2, dropout: 0.1, act: prelu,
slopes: one, norm: after}``. He feeds spectrograms on swapped axes; kernels and strides are square here, so on the usual
axes it is the same net with every kernel transposed.
"""

from typing import Self

from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn import functional as F

from earmark.core.spec import Spec
from earmark.models.encoders.encoder import Encoded, Encoder, EncoderModule, Shape
from earmark.models.layers.convolution import ConvUnit
from earmark.models.layers.masks import Lengths


class ResnetCNN(Encoder, kind="resnet_cnn"):
    """Basic blocks, one a width, without a stem; its taps are the maps after each."""

    widths: tuple[int, ...] = Field((64, 128, 256, 512), min_length=1)
    """Channels that each block gives."""
    strides: tuple[int, ...] = (1, 2, 2, 2)
    """By how much each block divides bands and frames."""

    @model_validator(mode="after")
    def _sizes(self) -> Self:
        if len(self.widths) != len(self.strides):
            raise ValueError(
                f"every block needs a width and a stride, got {len(self.widths)} and {len(self.strides)} of them"
            )
        if min(*self.widths, *self.strides) < 1:
            raise ValueError("widths and strides are 1 or more")
        return self

    def shortest(self, spec: Spec) -> int:
        return 1

    def build(self, spec: Spec) -> "ResnetCNNModule":
        self.check(spec)
        return ResnetCNNModule(spec, self)


class ResnetCNNModule(EncoderModule):
    """The net itself."""

    def __init__(self, spec: Spec, settings: ResnetCNN) -> None:
        super().__init__()
        shape, blocks, shapes = Shape(spec.n_channels, spec.n_bands, 1), [], []
        for width, stride in zip(settings.widths, settings.strides, strict=True):
            blocks.append(_Block(shape.n_channels, width, stride))
            shape = Shape(width, -(-shape.n_bands // stride), shape.stride * stride)
            shapes.append(shape)
        self.blocks = nn.ModuleList(blocks)
        self.taps = tuple(shapes)
        self.n_channels, self.n_bands, self.stride = shape

    def forward(self, values: Tensor, lengths: Lengths) -> Encoded:
        taps = []
        for block in self.blocks:
            values, lengths = block(values, lengths)
            taps.append(Encoded(values, lengths))
        return Encoded(values, lengths, tuple(taps))


class _Block(nn.Module):
    def __init__(self, n_in: int, n_out: int, stride: int) -> None:
        super().__init__()
        self.first = ConvUnit(n_in, n_out, 3, stride)
        self.second = ConvUnit(n_out, n_out, 3, act="none")
        self.past = ConvUnit(n_in, n_out, 1, stride, act="none") if stride > 1 or n_in != n_out else None

    def forward(self, values: Tensor, lengths: Lengths) -> tuple[Tensor, Lengths]:
        inner, after = self.second(*self.first(values, lengths))
        if self.past is not None:
            values, _ = self.past(values, lengths)
        return F.relu(inner + values), after
