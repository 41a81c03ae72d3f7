"""Skips, attention and taps for auxiliary classifiers: the net that won the challenge of 2019 (R. Baikulov, 2019).

Four blocks of two 3x3 convolutions and a 2x2 mean. What the first three give is averaged down to the size of the
fourth's and goes through a convolution each; all four stand side by side, are scaled by channel and by place, and
are merged. The three skips are the taps, for heads that only help in training:

    encoder: aux_attention
    heads:
      main: {kind: pooled, time: mean, bands: mean, input_dropout: 0.4, hidden: [256], dropout: 0.2,
             act: prelu, slopes: one, norm: after}
      aux3: {tap: 2, and the rest as above}
      aux2: {tap: 1, ...}
      aux1: {tap: 0, ...}

with a part of the objective for each head, of weight 1, 0.4, 0.2 and 0.1.
"""

import torch
from pydantic import Field, field_validator
from torch import Tensor, nn

from earmark.core.errors import SettingsError
from earmark.core.spec import Spec
from earmark.models.encoders.encoder import Encoded, Encoder, EncoderModule, Shape
from earmark.models.layers.convolution import ConvUnit
from earmark.models.layers.gates import ChannelAndPlace
from earmark.models.layers.masks import Lengths, mean_pooled

_N_BLOCKS = 4
_STRIDE = 1 << _N_BLOCKS


class AuxAttention(Encoder, kind="aux_attention"):
    """Four blocks whose outputs all meet in one attention; its taps are the three skips, the earliest first."""

    width: int = Field(64, ge=1)
    """Channels of the first block; each of the next has twice as many, and the maps have eight times as many."""
    ratio: int = Field(16, ge=1)
    """Channels for one hidden unit of the attention over channels."""
    attention_kernel: int = Field(7, ge=1)
    """Side of the square that the attention over places looks at; odd."""

    @field_validator("attention_kernel")
    @classmethod
    def _has_a_middle(cls, kernel: int) -> int:
        if kernel % 2 == 0:
            raise ValueError(f"attention_kernel must be odd, so that there is a middle, got {kernel}")
        return kernel

    def check(self, spec: Spec) -> None:
        super().check(spec)
        if spec.n_bands < _STRIDE:
            raise SettingsError(
                f"aux_attention halves the bands {_N_BLOCKS} times and needs {_STRIDE} of them, but the view gives "
                f"{spec.n_bands}; use more bands"
            )

    def shortest(self, spec: Spec) -> int:
        return _STRIDE

    def build(self, spec: Spec) -> "AuxAttentionModule":
        self.check(spec)
        return AuxAttentionModule(self, spec)


class AuxAttentionModule(EncoderModule):
    """The net itself."""

    def __init__(self, settings: AuxAttention, spec: Spec) -> None:
        super().__init__()
        widths = [settings.width * 2**i for i in range(_N_BLOCKS)]
        last = widths[-1]
        self.blocks = nn.ModuleList(_Block(*pair) for pair in zip([spec.n_channels, *widths], widths, strict=False))
        self.skips = nn.ModuleList(ConvUnit(width, last) for width in widths[:-1])
        self.attention = ChannelAndPlace(_N_BLOCKS * last, settings.ratio, settings.attention_kernel)
        self.merge = ConvUnit(_N_BLOCKS * last, last)
        self.n_channels, self.n_bands, self.stride = last, spec.n_bands // _STRIDE, _STRIDE
        self.taps = (Shape(last, self.n_bands, _STRIDE),) * len(self.skips)

    def forward(self, values: Tensor, lengths: Lengths) -> Encoded:
        taps = []
        for i, block in enumerate(self.blocks):
            values, lengths = block(values, lengths)
            if i < len(self.skips):
                side = 2 ** (_N_BLOCKS - 1 - i)
                taps.append(Encoded(*self.skips[i](*mean_pooled(values, lengths, (side, side)))))
        together = torch.cat([values, *(tap.maps for tap in taps)], dim=1)
        merged, lengths = self.merge(self.attention(together, lengths), lengths)
        return Encoded(merged, lengths, tuple(taps))


class _Block(nn.Module):
    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.units = nn.ModuleList((ConvUnit(n_in, n_out), ConvUnit(n_out, n_out)))
        for unit in self.units:
            nn.init.kaiming_normal_(unit.convolution.weight)  # type: ignore[union-attr, arg-type]

    def forward(self, values: Tensor, lengths: Lengths) -> tuple[Tensor, Lengths]:
        for unit in self.units:
            values, lengths = unit(values, lengths)
        return mean_pooled(values, lengths, (2, 2))
