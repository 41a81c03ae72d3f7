"""What residual nets share: the basic block, and stages of blocks, each a tap for heads that look at several depths."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from torch import Tensor, nn
from torch.nn import functional as F

from earmark.models.encoders.encoder import Encoded, EncoderModule, Shape
from earmark.models.layers.convolution import ConvUnit
from earmark.models.layers.masks import Lengths, mean_pooled
from earmark.models.layers.self_attention import SimpleSelfAttention
from earmark.models.layers.sizes import halved


class ResidualModule(EncoderModule):
    """A stem that leaves a quarter of bands and frames, and stages of which all but the first leave half.

    Args:
        stem: from maps and lengths to maps and lengths.
        stages: the blocks of each stage, each from maps and lengths to maps and lengths.
        widths: channels that each stage gives.
        n_bands: what the stem leaves of the bands.
    """

    def __init__(
        self, stem: nn.Module, stages: Sequence[Sequence[nn.Module]], widths: Sequence[int], n_bands: int
    ) -> None:
        super().__init__()
        self.stem = stem
        self.stages = nn.ModuleList(nn.ModuleList(blocks) for blocks in stages)
        stride, shapes = 4, []
        for width in widths:
            shapes.append(Shape(width, n_bands, stride))
            n_bands, stride = halved(n_bands), 2 * stride
        self.taps = tuple(shapes)
        self.n_channels, self.n_bands, self.stride = shapes[-1]

    def forward(self, values: Tensor, lengths: Lengths) -> Encoded:
        values, lengths = self.stem(values, lengths)
        return through(self.stages, values, lengths)  # type: ignore[arg-type]


def through(stages: Iterable[Iterable[nn.Module]], values: Tensor, lengths: Lengths) -> Encoded:
    """The maps after stages of blocks, with those after each stage as taps."""
    taps = []
    for blocks in stages:
        for block in blocks:
            values, lengths = block(values, lengths)
        taps.append(Encoded(values, lengths))
    return Encoded(values, lengths, tuple(taps))


class BasicBlock(nn.Module):
    """Two 3x3 convolutions, and a way past them that changes no more than it must (K. He et al., 2016).

    Args:
        n_in, n_out: channels.
        stride: by how much bands and frames are divided.
        pooled: whether the way past divides them by a mean, and not by the stride of its 1x1 convolution.
        zero_start: whether the block starts by adding nothing to the way past.
        attentive: whether there is simple self-attention after the convolutions.
    """

    def __init__(
        self,
        n_in: int,
        n_out: int,
        stride: int,
        *,
        pooled: bool = False,
        zero_start: bool = False,
        attentive: bool = False,
    ) -> None:
        super().__init__()
        self.first = ConvUnit(n_in, n_out, 3, stride)
        self.second = ConvUnit(n_out, n_out, 3, act="none")
        if zero_start:
            nn.init.zeros_(self.second.norm.weight)  # type: ignore[arg-type]
        # A tenth, not 1: channels may all agree, and then what places say adds up.
        self.attention = SimpleSelfAttention(n_out, 0.0 if zero_start else 0.1) if attentive else None
        self.pool = (stride, stride) if pooled and stride > 1 else None
        self.past = None
        if n_in != n_out or (stride > 1 and self.pool is None):
            self.past = ConvUnit(n_in, n_out, 1, 1 if self.pool else stride, act="none")

    def forward(self, values: Tensor, lengths: Lengths) -> tuple[Tensor, Lengths]:
        """The maps and the frames that are left."""
        inner, after = self.second(*self.first(values, lengths))
        if self.attention is not None:
            inner = self.attention(inner, after)
        if self.pool is not None:
            values, lengths = mean_pooled(values, lengths, self.pool, ceil=True)
        if self.past is not None:
            values, lengths = self.past(values, lengths)
        return F.relu(inner + values), after
