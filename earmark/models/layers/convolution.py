"""A convolution with batch norm and activation, as most nets use it."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from earmark.models.layers.masks import Lengths, masked, strided

ActivationName = Literal["relu", "prelu", "silu", "gelu", "relu6", "hardswish", "none"]


def activation(name: ActivationName, n_channels: int = 1) -> nn.Module:
    """The module of an activation; a PReLU has one slope a channel."""
    plain = {
        "relu": nn.ReLU,
        "silu": nn.SiLU,
        "gelu": nn.GELU,
        "relu6": nn.ReLU6,
        "hardswish": nn.Hardswish,
        "none": nn.Identity,
    }
    return nn.PReLU(n_channels) if name == "prelu" else plain[name]()


class Depthwise(nn.Conv2d):
    """A convolution over each channel by itself that goes back and forth in float32 where bfloat16 would be slow.

    oneDNN has fast bfloat16 gradients of these only for stride 1, kernels of up to 3 frames and maps that are no
    smaller than the kernel; its others take up to ten times as long as those in float32.
    """

    def forward(self, values: Tensor) -> Tensor:
        rows, frames = self.kernel_size
        fast = max(self.stride) == 1 and frames <= min(3, values.shape[3]) and rows <= values.shape[2]
        if fast or values.device.type != "cpu" or not (torch.is_grad_enabled() and torch.is_autocast_enabled("cpu")):
            return super().forward(values)
        with torch.autocast("cpu", enabled=False):
            return super().forward(values.float()).to(torch.get_autocast_dtype("cpu"))


class ConvUnit(nn.Module):
    """Convolution, batch norm, activation over [freq, time] or, with ``one_d``, over time; padding stays zero.

    Args:
        kernel, stride, padding: over (freq, time); for one dimension, and where both are alike, one number.
        padding: rows and frames of zeros at both ends; none means as many as keep the size at stride 1 (odd kernels).
        bias: of the convolution; batch norm has its own.
        norm: whether there is a batch norm.
    """

    def __init__(
        self,
        n_in: int,
        n_out: int,
        kernel: int | tuple[int, int] = 3,
        stride: int | tuple[int, int] = 1,
        padding: int | tuple[int, int] | None = None,
        *,
        groups: int = 1,
        bias: bool = False,
        norm: bool = True,
        act: ActivationName = "relu",
        one_d: bool = False,
    ) -> None:
        super().__init__()
        kernels, strides = _pair(kernel), _pair(stride)
        paddings = (kernels[0] // 2, kernels[1] // 2) if padding is None else _pair(padding)
        self.time = (kernels[1], strides[1], paddings[1])
        if one_d:
            self.convolution: nn.Module = nn.Conv1d(n_in, n_out, *self.time, groups=groups, bias=bias)
        else:
            kind = Depthwise if groups == n_in == n_out else nn.Conv2d
            self.convolution = kind(n_in, n_out, kernels, strides, paddings, groups=groups, bias=bias)
        self.norm = (nn.BatchNorm1d(n_out) if one_d else nn.BatchNorm2d(n_out)) if norm else nn.Identity()
        self.act = activation(act, n_out)

    def forward(self, values: Tensor, lengths: Lengths) -> tuple[Tensor, Lengths]:
        """The maps and the frames that are left."""
        lengths = strided(lengths, *self.time)
        kernel, stride, padding = self.time
        if values.shape[-1] < stride and 0 < 2 * padding == kernel - 1:
            # The result is the same, but oneDNN's bfloat16 gradients of weights are not: where the maps are narrower
            # than the stride, they read memory that nobody has written.
            values = F.pad(values, (0, stride - values.shape[-1]))
        return masked(self.act(self.norm(self.convolution(values))), lengths), lengths


def _pair(value: int | tuple[int, int]) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else value
