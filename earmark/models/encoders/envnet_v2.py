"""EnvNet-v2 on waves (Y. Tokozume, Y. Ushiku, T. Harada, 2018), as O. Akiyama and J. Sato (2019) have it.

Two convolutions learn a filter bank, whose channels then are the rows of a picture; eight more look at that. None has
padding, so a clip must be 20,570 samples long or longer. Their head is ``{kind: pooled, time: max, bands: flat}``.
"""

from pydantic import Field
from torch import Tensor, nn

from earmark.core.spec import Spec
from earmark.models.encoders.encoder import Encoded, Encoder, EncoderModule
from earmark.models.layers.convolution import ConvUnit
from earmark.models.layers.masks import Lengths, fewest, max_pooled
from earmark.models.layers.sizes import scaled

_BANK = ((64, 2), (16, 2))
"""Kernel and stride of the convolutions on waves, in samples."""
_BANK_POOL = 64
_PICTURE = (
    ((32, (8, 8)), (32, (8, 8)), (5, 3)),
    ((64, (1, 4)), (64, (1, 4)), (1, 2)),
    ((128, (1, 2)), (128, (1, 2)), (1, 2)),
    ((256, (1, 2)), (256, (1, 2)), (1, 1)),
)
"""Stages on the picture: channels and kernel [freq, time] of two convolutions, and the window of a maximum."""


class EnvNetV2(Encoder, kind="envnet_v2"):
    """Ten convolutions from samples to maps of ten bands."""

    takes = "wave"
    # Maxima over many samples hardly differ from frame to frame, and batch norm makes the most of what rounding left.
    tolerance_bf16 = 0.5

    width: float = Field(1.0, gt=0)
    """Channels of all layers but the second as a share of the published 32 to 256."""
    rows: int = Field(64, ge=19)
    """Channels of the second layer, which are the rows of the picture; a fifth of what is above 14 are bands."""

    def shortest(self, spec: Spec) -> int:
        windows = [*_BANK, (_BANK_POOL, _BANK_POOL)]
        for *convolutions, pool in _PICTURE:
            windows += [*((kernel[1], 1) for _, kernel in convolutions), (pool[1], pool[1])]
        return fewest((kernel, stride, 0) for kernel, stride in windows)

    def build(self, spec: Spec) -> "EnvNetV2Module":
        self.check(spec)
        return EnvNetV2Module(self)


class EnvNetV2Module(EncoderModule):
    """The net itself."""

    def __init__(self, settings: EnvNetV2) -> None:
        super().__init__()
        widths = (1, scaled(32, settings.width), settings.rows)
        self.bank = nn.ModuleList(
            ConvUnit(widths[i], widths[i + 1], kernel, stride, 0, one_d=True)
            for i, (kernel, stride) in enumerate(_BANK)
        )
        n_in, n_bands, stride, picture = 1, settings.rows, _BANK_POOL, []
        for *convolutions, pool in _PICTURE:
            for width, kernel in convolutions:
                n_out = scaled(width, settings.width)
                picture.append(ConvUnit(n_in, n_out, kernel, padding=0))
                n_in, n_bands = n_out, n_bands - kernel[0] + 1
            n_bands //= pool[0]
            stride *= pool[1]
        self.picture = nn.ModuleList(picture)
        for _, step in _BANK:
            stride *= step
        self.n_channels, self.n_bands, self.stride = n_in, n_bands, stride

    def forward(self, values: Tensor, lengths: Lengths) -> Encoded:
        values = values[:, None]
        for unit in self.bank:
            values, lengths = unit(values, lengths)
        values, lengths = max_pooled(values[:, None], lengths, (1, _BANK_POOL))
        for i, (*_, pool) in enumerate(_PICTURE):
            for unit in self.picture[2 * i : 2 * i + 2]:
                values, lengths = unit(values, lengths)
            if pool != (1, 1):
                values, lengths = max_pooled(values, lengths, pool)
        return Encoded(values, lengths)
