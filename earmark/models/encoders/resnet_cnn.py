"""The small residual net of J. Deng (2019): four basic blocks, of which all but the first halve bands and frames.

His head is ``pooled`` with ``{time: mean, bands: mean, hidden: [128], input_dropout: 0.2, dropout: 0.1, act: prelu,
slopes: one, norm: after}``. He feeds spectrograms on swapped axes; kernels and strides are square here, so on the usual
axes it is the same net with every kernel transposed.
"""

from typing import Self

from pydantic import Field, model_validator
from torch import Tensor, nn

from earmark.core.spec import Spec
from earmark.models.encoders.encoder import Encoded, Encoder, EncoderModule, Shape
from earmark.models.encoders.residual import BasicBlock, through
from earmark.models.layers.masks import Lengths
from earmark.models.layers.sizes import one_each


class ResnetCNN(Encoder, kind="resnet_cnn"):
    """Basic blocks, one a width, without a stem; its taps are the maps after each."""

    widths: tuple[int, ...] = Field((64, 128, 256, 512), min_length=1)
    """Channels that each block gives."""
    strides: tuple[int, ...] = (1, 2, 2, 2)
    """By how much each block divides bands and frames."""

    @model_validator(mode="after")
    def _sizes(self) -> Self:
        one_each("block", width=self.widths, stride=self.strides)
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
            blocks.append(BasicBlock(shape.n_channels, width, stride))
            shape = Shape(width, -(-shape.n_bands // stride), shape.stride * stride)
            shapes.append(shape)
        self.blocks = nn.ModuleList(blocks)
        self.taps = tuple(shapes)
        self.n_channels, self.n_bands, self.stride = shape

    def forward(self, values: Tensor, lengths: Lengths) -> Encoded:
        return through(((block,) for block in self.blocks), values, lengths)
