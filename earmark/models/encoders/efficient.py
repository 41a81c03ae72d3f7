"""Inverted residuals with squeeze-and-excitation, for small machines.

The layout is that of MobileNetV3-Large (A. Howard et al., 2019), which F. Schmid, K. Koutini and G. Widmer (2023) have
shown to tag sounds as well as far larger nets (EfficientAT, "mn"): a block widens the maps by a 1x1 convolution, looks
around with one convolution a channel, gates, and narrows them again. Two things are changed by default, so that
processors train it a fourth or more faster: in the first stages one full convolution stands for the first two, as in
EfficientNetV2 (M. Tan, Q. Le, 2021), and kernels of 5 are 3. The published net is ``{fused: 0, large_kernel: 5}``; it
has about as many parameters.

Its head is ``{kind: pooled, time: mean, bands: mean, hidden: [1280], act: hardswish, dropout: 0.2}``, with 1280 scaled
like the rest. With that and 527 classes, width 0.1 means 0.12 million parameters, 0.4 one million and 1 five.
"""

from typing import Literal, NamedTuple

import torch
from pydantic import Field
from torch import Tensor, nn

from earmark.core.spec import Spec
from earmark.models.encoders.encoder import Encoded, Encoder, EncoderModule, Shape
from earmark.models.encoders.residual import through
from earmark.models.layers.convolution import ActivationName, ConvUnit
from earmark.models.layers.gates import SqueezeExcite
from earmark.models.layers.masks import Lengths
from earmark.models.layers.sizes import halved, in_eights

Squeeze = Literal["channels", "bands", "both", "none"]


class Stage(NamedTuple):
    """Blocks of one width."""

    n_out: int
    expanded: tuple[int, ...]
    """Channels inside each block."""
    stride: int
    """Of the first block."""
    kernel: int
    gated: bool
    late: bool
    """Whether the activation is that of the late stages."""


STAGES = (
    Stage(16, (16,), 1, 3, gated=False, late=False),
    Stage(24, (64, 72), 2, 3, gated=False, late=False),
    Stage(40, (72, 120, 120), 2, 5, gated=True, late=False),
    Stage(80, (240, 200, 184, 184), 2, 3, gated=False, late=True),
    Stage(112, (480, 672), 1, 3, gated=True, late=True),
    Stage(160, (672, 960, 960), 2, 5, gated=True, late=True),
)
"""MobileNetV3-Large at width 1, without its first convolution to 16 channels and its last to 960."""
STEM, LAST = 16, 960


class Efficient(Encoder, kind="efficient"):
    """A MobileNetV3 of any width, made to train fast on processors; its taps are the maps after each of six stages."""

    # Over forty batch norms, each of which makes the most of what little a few clips of noise differ by.
    tolerance_bf16 = 0.5

    width: float = Field(1.0, gt=0)
    """Channels of all layers as a share of the published ones, rounded to multiples of 8."""
    fused: int = Field(2, ge=0, le=len(STAGES))
    """In how many of the six stages, from the first on, one full convolution stands for the 1x1 that widens and the
    one a channel; from the third on that has many parameters."""
    large_kernel: Literal[3, 5] = 3
    """Side of the convolutions a channel where the published net has 5; gradients of 5 take a processor several times
    as long."""
    squeeze: Squeeze = "channels"
    """What the gates of the third, fifth and sixth stage scale, by means over the signal: channels, bands, nothing, or
    both, each by itself, of which the larger value goes on."""
    act: Literal["hardswish", "relu"] = "hardswish"
    """The activation of the first convolution and from the fourth stage on; elsewhere it is relu."""

    def shortest(self, spec: Spec) -> int:
        return 1

    def build(self, spec: Spec) -> "EfficientModule":
        self.check(spec)
        return EfficientModule(self, spec)


class EfficientModule(EncoderModule):
    """The net itself."""

    def __init__(self, settings: Efficient, spec: Spec) -> None:
        super().__init__()
        n_in, self.n_bands, self.stride = in_eights(STEM, settings.width), halved(spec.n_bands), 2
        self.stem = ConvUnit(spec.n_channels, n_in, 3, 2, act=settings.act)
        self.stages, taps = nn.ModuleList(), []
        for i, stage in enumerate(STAGES):
            blocks = nn.ModuleList()
            for j, n_inner in enumerate(stage.expanded):
                stride = 1 if j else stage.stride
                self.n_bands = halved(self.n_bands) if stride == 2 else self.n_bands
                self.stride *= stride
                blocks.append(_Block(n_in, n_inner, stage, stride, self.n_bands, settings, i < settings.fused))
                n_in = in_eights(stage.n_out, settings.width)
            self.stages.append(blocks)
            taps.append(Shape(n_in, self.n_bands, self.stride))
        self.n_channels, self.taps = in_eights(LAST, settings.width), tuple(taps)
        self.last = ConvUnit(n_in, self.n_channels, 1, act=settings.act)
        for each in self.modules():
            if isinstance(each, nn.Conv2d):
                nn.init.kaiming_normal_(each.weight, nonlinearity="relu")
            elif isinstance(each, nn.BatchNorm2d):
                each.eps = 1e-3

    def forward(self, values: Tensor, lengths: Lengths) -> Encoded:
        values, lengths, taps = through(self.stages, *self.stem(values, lengths))  # type: ignore[arg-type]
        values, lengths = self.last(values, lengths)
        return Encoded(values, lengths, taps)


class _Block(nn.Module):
    def __init__(
        self, n_in: int, n_inner: int, stage: Stage, stride: int, n_bands: int, settings: Efficient, fused: bool
    ) -> None:
        super().__init__()
        kernel = settings.large_kernel if stage.kernel == 5 else stage.kernel
        act: ActivationName = settings.act if stage.late else "relu"
        n_out, n_inner = in_eights(stage.n_out, settings.width), in_eights(n_inner, settings.width)
        widens = n_inner != n_in
        units = []
        if fused:
            units.append(ConvUnit(n_in, n_inner, kernel, stride, act=act))
        else:
            if widens:
                units.append(ConvUnit(n_in, n_inner, 1, act=act))
            units.append(ConvUnit(n_inner, n_inner, kernel, stride, groups=n_inner, act=act))
        self.units = nn.ModuleList(units)
        self.gate = _Gate(n_inner, n_bands, settings.squeeze) if stage.gated and settings.squeeze != "none" else None
        # A full convolution that widens nothing has no need of another after it.
        self.narrow = None if fused and not widens and n_inner == n_out else ConvUnit(n_inner, n_out, 1, act="none")
        self.residual = stride == 1 and n_in == n_out

    def forward(self, values: Tensor, lengths: Lengths) -> tuple[Tensor, Lengths]:
        inner, after = values, lengths
        for unit in self.units:
            inner, after = unit(inner, after)
        if self.gate is not None:
            inner = self.gate(inner, after)
        if self.narrow is not None:
            inner, after = self.narrow(inner, after)
        return (values + inner if self.residual else inner), after


class _Gate(nn.Module):
    """Squeeze-and-excitation of channels, of bands, or of both."""

    def __init__(self, n_channels: int, n_bands: int, squeeze: Squeeze) -> None:
        super().__init__()
        gates = {"channels": n_channels, "bands": n_bands}
        self.gates = nn.ModuleDict(
            {name: SqueezeExcite(n, in_eights(n // 4, 1.0)) for name, n in gates.items() if squeeze in (name, "both")}
        )

    def forward(self, values: Tensor, lengths: Lengths) -> Tensor:
        found = []
        for name, gate in self.gates.items():
            if name == "channels":
                found.append(gate(values, lengths))
            else:
                found.append(gate(values.transpose(1, 2), lengths).transpose(1, 2))
        return found[0] if len(found) == 1 else torch.maximum(*found)
