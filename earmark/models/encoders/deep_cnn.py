"""The shallow, wide residual nets that ex4sperans (2019) came third with: on spectrograms, and over their rows.

A block is batch norm, a 3x3 convolution, a 2x2 maximum, batch norm, PReLU, and then a residual of three convolutions
1x1, 3x3, 1x1 that are all as wide as the block. Block k is ``int(growth**k * base)`` channels wide. What the source
calls deep supervision is a head that pools every block from ``first_tap`` on, not only the last: head ``pooled`` with
``{taps: true, input_norm: true, hidden: same, norm: before, act: prelu, dropout: 0.5}``, or head ``recurrent``.

With ``one_d`` the rows are channels and all runs over time alone, as in the source's "hierarchical" net on the log
magnitudes of short windows. The convolution of a block has no padding there, so a block needs 2n + 2 frames to leave n.
One dimension is written as two with a single row: it is the same net.
"""

from typing import Self

from pydantic import Field, model_validator
from torch import Tensor, nn

from earmark.core.errors import SettingsError
from earmark.core.spec import Spec
from earmark.models.encoders.encoder import Encoded, Encoder, EncoderModule, Shape
from earmark.models.layers.convolution import ConvUnit
from earmark.models.layers.masks import Lengths, fewest, masked, max_pooled, strided


class DeepCNN(Encoder, kind="deep_cnn"):
    """Blocks of a convolution, a maximum and a residual, each one tap from ``first_tap`` on.

    The defaults are the source's net for spectrograms, which wants a `frequency_map` beside them; its first and smaller
    one is ``base: 50``, the one for more, noisier clips ``blocks: 6``. The one over time is ``one_d: true``,
    ``blocks: 6``.
    """

    blocks: int = Field(5, ge=1)
    """How many blocks; each halves the frames and, unless ``one_d``, the bands."""
    base: int = Field(100, ge=1)
    """Channels of the first block."""
    growth: float = Field(1.5, gt=0)
    """How many times as wide each further block is."""
    first_tap: int = Field(1, ge=0)
    """The first block, counted from 0, whose output is a tap; the last block's always is one."""
    one_d: bool = False
    """Whether rows are channels and convolutions run over time alone."""

    @model_validator(mode="after")
    def _sizes(self) -> Self:
        if self.first_tap >= self.blocks:
            raise ValueError(
                f"taps begin at block {self.first_tap}, but {self.blocks} blocks are counted from 0 to "
                f"{self.blocks - 1}; lower first_tap or add blocks"
            )
        if min(self.widths) < 1:
            raise ValueError(f"every block needs at least one channel, got {self.widths}; raise base or growth")
        return self

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels of each block."""
        return tuple(int(self.growth**k * self.base) for k in range(self.blocks))

    def check(self, spec: Spec) -> None:
        super().check(spec)
        if not self.one_d and spec.n_bands < 2**self.blocks:
            raise SettingsError(
                f"deep_cnn with {self.blocks} blocks halves the bands as often and needs {2**self.blocks} of them, but "
                f"the view gives {spec.n_bands}; use more bands or fewer blocks"
            )

    def shortest(self, spec: Spec) -> int:
        return fewest([(3, 1, 0 if self.one_d else 1), (2, 2, 0)] * self.blocks)

    def build(self, spec: Spec) -> "DeepCNNModule":
        self.check(spec)
        return DeepCNNModule(spec, self)


class DeepCNNModule(EncoderModule):
    """The net itself."""

    def __init__(self, spec: Spec, settings: DeepCNN) -> None:
        super().__init__()
        self.one_d, self.first_tap = settings.one_d, settings.first_tap
        n_in, n_bands = (spec.n_channels * spec.n_bands, 1) if self.one_d else (spec.n_channels, spec.n_bands)
        blocks, shapes = [], []
        for k, width in enumerate(settings.widths):
            blocks.append(_Block(n_in, width, self.one_d))
            n_in, n_bands = width, 1 if self.one_d else n_bands // 2
            shapes.append(Shape(width, n_bands, 2 ** (k + 1)))
        self.blocks = nn.ModuleList(blocks)
        self.taps = tuple(shapes[self.first_tap :])
        self.n_channels, self.n_bands, self.stride = shapes[-1]

    def forward(self, values: Tensor, lengths: Lengths) -> Encoded:
        if self.one_d:
            values = values.flatten(1, 2)[:, :, None]
        taps = []
        for k, block in enumerate(self.blocks):
            values, lengths = block(values, lengths)
            if k >= self.first_tap:
                taps.append(Encoded(values, lengths))
        return Encoded(values, lengths, tuple(taps))


class _Block(nn.Module):
    def __init__(self, n_in: int, n_out: int, one_d: bool) -> None:
        super().__init__()
        self.pool = (1, 2) if one_d else (2, 2)
        self.padding = 0 if one_d else 1
        self.norm = nn.BatchNorm2d(n_in)
        self.convolution = nn.Conv2d(n_in, n_out, (1, 3) if one_d else 3, padding=self.padding)
        self.pooled_norm = nn.BatchNorm2d(n_out)
        self.act = nn.PReLU(n_out)
        self.residual = _Residual(n_out, one_d)

    def forward(self, values: Tensor, lengths: Lengths) -> tuple[Tensor, Lengths]:
        values = self.convolution(masked(self.norm(values), lengths))
        values, lengths = max_pooled(values, strided(lengths, 3, 1, self.padding), self.pool)
        values = masked(self.act(self.pooled_norm(values)), lengths)
        return self.residual(values, lengths), lengths


class _Residual(nn.Module):
    def __init__(self, n: int, one_d: bool) -> None:
        super().__init__()
        self.units = nn.ModuleList(
            (
                ConvUnit(n, n, 1, bias=True, act="prelu"),
                ConvUnit(n, n, (1, 3) if one_d else 3, bias=True, act="prelu"),
                ConvUnit(n, n, 1, bias=True, act="none"),
            )
        )
        self.act = nn.PReLU(n)

    def forward(self, values: Tensor, lengths: Lengths) -> Tensor:
        inner = values
        for unit in self.units:
            inner, _ = unit(inner, lengths)
        summed: Tensor = self.act(inner + values)
        return summed
