"""The convolutional net of a well-known public kernel of 2019, with and without dense skips (L. Schoneveld, 2019).

A block is two 3x3 convolutions, each with batch norm and ReLU, then a 2x2 average pool. With ``skip`` the block's
input is put beside its output before pooling, so the next block sees both; that took the public score of its author
from .610 to .639. Averaging commutes with concatenating, so input and output are pooled apart.
"""

from collections.abc import Sequence

import torch
from pydantic import Field, field_validator
from torch import Tensor, nn
from torch.nn import functional as F

from earmark.core.errors import SettingsError
from earmark.core.spec import Spec
from earmark.models.encoders.encoder import Encoded, Encoder, EncoderModule
from earmark.models.layers.masks import Lengths, masked, strided


class SkipCNN(Encoder, kind="skip_cnn"):
    """Blocks of two convolutions and a pool, with the input of a block beside its output where ``skip`` says so."""

    widths: tuple[int, ...] = Field((64, 128, 256, 512), min_length=1)
    """Channels that each block's convolutions give."""
    skip: bool | tuple[bool, ...] = True
    """Whether each block's input goes along; one value for all blocks or one a block."""

    @field_validator("widths")
    @classmethod
    def _positive(cls, widths: tuple[int, ...]) -> tuple[int, ...]:
        if min(widths) < 1:
            raise ValueError(f"every block needs at least one channel, got {widths}")
        return widths

    @property
    def skips(self) -> tuple[bool, ...]:
        """One answer a block."""
        return (self.skip,) * len(self.widths) if isinstance(self.skip, bool) else self.skip

    def check(self, spec: Spec) -> None:
        super().check(spec)
        if len(self.skips) != len(self.widths):
            raise SettingsError(f"skip_cnn has {len(self.widths)} blocks but {len(self.skips)} values of skip")
        if spec.n_bands < 2 ** len(self.widths):
            raise SettingsError(
                f"skip_cnn with {len(self.widths)} blocks halves the bands as often and needs {2 ** len(self.widths)} "
                f"of them, but the view gives {spec.n_bands}; use more bands or fewer blocks"
            )

    def shortest(self, spec: Spec) -> int:
        return 1 << len(self.widths)

    def build(self, spec: Spec) -> "SkipCNNModule":
        self.check(spec)
        return SkipCNNModule(spec, self.widths, self.skips)


class SkipCNNModule(EncoderModule):
    """The net itself."""

    def __init__(self, spec: Spec, widths: Sequence[int], skips: Sequence[bool]) -> None:
        super().__init__()
        blocks, n_in = [], spec.n_channels
        for width, skip in zip(widths, skips, strict=True):
            blocks.append(_Block(n_in, width, skip))
            n_in = width + n_in * skip
        self.blocks = nn.ModuleList(blocks)
        self.n_channels = n_in
        self.n_bands = spec.n_bands // 2 ** len(widths)
        self.stride = 2 ** len(widths)

    def forward(self, values: Tensor, lengths: Lengths) -> Encoded:
        for block in self.blocks:
            # An odd last frame, which a clip alone loses in pooling, is pooled with padding here: it goes too.
            values, lengths = block(values, lengths), strided(lengths, 2, 2)
            values = masked(values, lengths)
        return Encoded(values, lengths)


class _Block(nn.Module):
    def __init__(self, n_in: int, n_out: int, skip: bool) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(nn.Conv2d(n, n_out, 3, padding=1) for n in (n_in, n_out))
        self.norms = nn.ModuleList(nn.BatchNorm2d(n_out) for _ in range(2))
        self.skip = skip
        for convolution in self.convolutions:
            nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")  # type: ignore[arg-type]
            nn.init.zeros_(convolution.bias)  # type: ignore[arg-type]

    def forward(self, values: Tensor, lengths: Lengths) -> Tensor:
        # Bias and batch norm lift the padding off zero, and the next convolution would smear it into the signal: it is
        # put back to zero, so that a clip in a batch sees what it sees alone.
        inner = masked(F.relu(self.norms[0](self.convolutions[0](values))), lengths)
        pooled = F.avg_pool2d(F.relu(self.norms[1](self.convolutions[1](inner))), 2)
        # In mixed precision the convolutions give less than float32; joined with float32, all would become that.
        return torch.cat([pooled, F.avg_pool2d(values.to(pooled.dtype), 2)], dim=1) if self.skip else pooled
