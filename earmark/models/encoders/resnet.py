"""Residual nets of 18 and 34 layers (K. He, X. Zhang, S. Ren, J. Sun, 2016), as taggers of sounds have used them.

The defaults are the net of O. Akiyama and J. Sato (2019): a 7x7 convolution with stride 2 on whatever channels the view
gives, a 3x3 maximum with stride 2, then four stages of blocks of two 3x3 convolutions. The backbones of ex4sperans
(2019) are ``{copies: 3, input_norm: true}``. The xresnets with simple self-attention of mnpinto (2019), which fast.ai
made after T. He et al. (2019), are ``{stem: deep, shortcut: pooled, zero_start: true, self_attention: true}``.
"""

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from earmark.core.spec import Spec
from earmark.models.encoders.encoder import Encoder
from earmark.models.encoders.residual import BasicBlock, ResidualModule
from earmark.models.layers.convolution import ConvUnit
from earmark.models.layers.masks import Lengths, masked, max_pooled
from earmark.models.layers.sizes import halved, scaled

_BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3)}
Stem = Literal["plain", "deep"]
Shortcut = Literal["strided", "pooled"]


class ResNet(Encoder, kind="resnet"):
    """A residual net of basic blocks; its taps are the maps after each of the four stages."""

    layers: Literal[18, 34] = 34
    """Which of the published depths: 2, 2, 2 and 2 blocks, or 3, 4, 6 and 3."""
    width: float = Field(1.0, gt=0)
    """Channels of all layers as a share of the published 64, 128, 256 and 512."""
    stem: Stem = "plain"
    """One 7x7 convolution, or three 3x3 with 8 (channels + 1), 64 and 64 channels, as fast.ai has it."""
    shortcut: Shortcut = "strided"
    """How the way past a block halves: a 1x1 convolution with stride 2, or a mean over 2x2 and then a 1x1."""
    zero_start: bool = False
    """Whether each block starts by adding nothing: its last batch norm, and the scale of self-attention, at 0."""
    self_attention: bool = False
    """Whether the last block of the first stage has simple self-attention."""
    copies: int = Field(1, ge=1)
    """How often the input stands side by side as channels."""
    input_norm: bool = False
    """Whether the input goes through batch norm first, instead of being normalised by the view."""

    def shortest(self, spec: Spec) -> int:
        return 1

    def build(self, spec: Spec) -> ResidualModule:
        self.check(spec)
        widths = [scaled(n, self.width) for n in (64, 128, 256, 512)]
        n_in, stages = widths[0], []
        for i, (n_out, depth) in enumerate(zip(widths, _BLOCKS[self.layers], strict=True)):
            blocks = []
            for j in range(depth):
                block = BasicBlock(
                    n_in,
                    n_out,
                    2 if i and not j else 1,
                    pooled=self.shortcut == "pooled",
                    zero_start=self.zero_start,
                    attentive=self.self_attention and i == 0 and j == depth - 1,
                )
                blocks.append(block)
                n_in = n_out
            stages.append(blocks)
        module = ResidualModule(_Stem(spec.n_channels, widths[0], self), stages, widths, halved(halved(spec.n_bands)))
        for each in module.modules():
            if isinstance(each, nn.Conv2d):
                nn.init.kaiming_normal_(each.weight, mode="fan_out", nonlinearity="relu")
        return module


class _Stem(nn.Module):
    def __init__(self, n_in: int, n_out: int, settings: ResNet) -> None:
        super().__init__()
        n_in *= settings.copies
        self.copies = settings.copies
        self.norm = nn.BatchNorm2d(n_in) if settings.input_norm else None
        if settings.stem == "deep":
            widths = (n_in, scaled(8 * (n_in + 1), settings.width), n_out, n_out)
            units = [ConvUnit(widths[i], widths[i + 1], 3, 1 if i else 2) for i in range(3)]
        else:
            units = [ConvUnit(n_in, n_out, 7, 2)]
        self.units = nn.ModuleList(units)

    def forward(self, values: Tensor, lengths: Lengths) -> tuple[Tensor, Lengths]:
        if self.copies > 1:
            values = torch.cat([values] * self.copies, dim=1)
        if self.norm is not None:
            values = masked(self.norm(values), lengths)
        for unit in self.units:
            values, lengths = unit(values, lengths)
        return max_pooled(values, lengths, (3, 3), (2, 2), (1, 1))
