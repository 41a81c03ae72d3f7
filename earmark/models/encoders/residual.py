"""What residual nets share: a stem, then stages of blocks, each stage a tap for heads that look at several depths."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from earmark.models.encoders.encoder import Encoded, EncoderModule, Shape
from earmark.models.layers.masks import Lengths


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
        taps = []
        for blocks in self.stages:
            for block in blocks:  # type: ignore[attr-defined]
                values, lengths = block(values, lengths)
            taps.append(Encoded(values, lengths))
        return Encoded(values, lengths, tuple(taps))


def halved(n: int) -> int:
    """Bands or frames after stride 2, an odd last one not lost."""
    return (n + 1) // 2


def scaled(n_channels: int, width: float) -> int:
    """Channels of a narrower or wider net, never none."""
    return max(1, round(n_channels * width))
