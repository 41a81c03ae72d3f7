"""SE-ResNeXt (S. Xie et al., 2017; J. Hu, L. Shen, G. Sun, 2018), with a first layer for any number of channels.

The defaults are SE-ResNeXt-50 32x4d as R. Cadene's collection of pretrained models has it, one of the encoders that
O. Akiyama and J. Sato (2019) compared. As there, the 3x3 maximum after the first convolution has no padding, and its
last windows are cut short by the end of the maps.
"""

from pydantic import Field, field_validator
from torch import Tensor, nn
from torch.nn import functional as F

from earmark.core.errors import SettingsError
from earmark.core.spec import Spec
from earmark.models.encoders.encoder import Encoder
from earmark.models.encoders.residual import ResidualModule
from earmark.models.layers.convolution import ConvUnit
from earmark.models.layers.gates import SqueezeExcite
from earmark.models.layers.masks import Lengths, max_pooled
from earmark.models.layers.sizes import halved, scaled

_SHORTEST = 3  # Fewer leave the maximum after the first convolution nothing to look at.


class SEResNeXt(Encoder, kind="se_resnext"):
    """Residual bottlenecks of grouped convolutions, each with squeeze and excitation; taps after each stage."""

    depths: tuple[int, ...] = Field((3, 4, 6, 3), min_length=1)
    """Blocks of each stage; a stage has twice the channels of the one before and, but for the first, half its size."""
    width: float = Field(1.0, gt=0)
    """Channels of all layers as a share of the published 64 after the stem and 256 after the first stage."""
    groups: int = Field(32, ge=1)
    """Groups of the 3x3 convolutions, each 4 channels wide in the first stage at width 1."""
    reduction: int = Field(16, ge=1)
    """Channels for one unit of squeeze and excitation."""

    @field_validator("depths")
    @classmethod
    def _positive(cls, depths: tuple[int, ...]) -> tuple[int, ...]:
        if min(depths) < 1:
            raise ValueError(f"every stage needs at least one block, got {depths}")
        return depths

    def check(self, spec: Spec) -> None:
        super().check(spec)
        if spec.n_bands < _SHORTEST:
            raise SettingsError(
                f"se_resnext needs {_SHORTEST} bands or more, but the view gives {spec.n_bands}; use more bands"
            )

    def shortest(self, spec: Spec) -> int:
        return _SHORTEST

    def build(self, spec: Spec) -> ResidualModule:
        self.check(spec)
        n_in, widths, stages = scaled(64, self.width), [], []
        stem = _Stem(spec.n_channels, n_in)
        for i, depth in enumerate(self.depths):
            n_out, n_inner = scaled(256 * 2**i, self.width), self.groups * scaled(4 * 2**i, self.width)
            stages.append(
                [_Block(n_out if j else n_in, n_inner, n_out, 2 if i and not j else 1, self) for j in range(depth)]
            )
            widths.append(n_out)
            n_in = n_out
        return ResidualModule(stem, stages, widths, halved(spec.n_bands) // 2)


class _Stem(nn.Module):
    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.unit = ConvUnit(n_in, n_out, 7, 2)

    def forward(self, values: Tensor, lengths: Lengths) -> tuple[Tensor, Lengths]:
        values, lengths = self.unit(values, lengths)
        return max_pooled(values, lengths, (3, 3), (2, 2), ceil=True)


class _Block(nn.Module):
    def __init__(self, n_in: int, n_inner: int, n_out: int, stride: int, settings: SEResNeXt) -> None:
        super().__init__()
        self.units = nn.ModuleList(
            (
                ConvUnit(n_in, n_inner, 1),
                ConvUnit(n_inner, n_inner, 3, stride, groups=settings.groups),
                ConvUnit(n_inner, n_out, 1, act="none"),
            )
        )
        self.gate = SqueezeExcite(n_out, max(1, n_out // settings.reduction))
        self.past = ConvUnit(n_in, n_out, 1, stride, act="none") if n_in != n_out or stride > 1 else None

    def forward(self, values: Tensor, lengths: Lengths) -> tuple[Tensor, Lengths]:
        inner, after = values, lengths
        for unit in self.units:
            inner, after = unit(inner, after)
        past = values if self.past is None else self.past(values, lengths)[0]
        return F.relu(self.gate(inner, after) + past), after
