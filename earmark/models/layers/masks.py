"""Padding in nets: it is zero wherever a convolution sees it, and lengths shrink as the maps do.

Values are [batch, channels, time] or [batch, channels, freq, time]; ``lengths`` counts frames of signal and is none
where all are, so that masks cost nothing then.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from earmark.dsp.padding import padding_zeroed

Lengths = Int[Tensor, " batch"] | None


def masked(values: Float[Tensor, "batch channels ..."], lengths: Lengths) -> Float[Tensor, "batch channels ..."]:
    """The values with zeros in the padding."""
    return values if lengths is None else padding_zeroed(values, lengths)


def strided(lengths: Lengths, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> Lengths:
    """How many frames a clip alone would have after a convolution or pool along time; never fewer than none.

    >>> strided(torch.tensor([7, 1]), kernel=2, stride=2).tolist()
    [3, 0]
    """
    if lengths is None:
        return None
    reach = dilation * (kernel - 1) + 1
    return torch.div(lengths + 2 * padding - reach, stride, rounding_mode="floor").add(1).clamp(min=0)


def max_pooled(
    values: Float[Tensor, "batch channels freq time"],
    lengths: Lengths,
    kernel: tuple[int, int],
    stride: tuple[int, int] | None = None,
    padding: tuple[int, int] = (0, 0),
) -> tuple[Float[Tensor, "batch channels freq time"], Lengths]:
    """The maximum over windows [freq, time], and the frames that are left.

    A clip's own end has the same windows alone and in a batch: those that reach beyond it see what padding would be
    (nothing where the window is padded, zeros never).
    """
    stride = stride or kernel
    after = strided(lengths, kernel[1], stride[1], padding[1])
    if lengths is not None and padding[1]:
        beyond = torch.arange(values.shape[-1], device=values.device) >= lengths[:, None]
        values = values.masked_fill(beyond[:, None, None], -torch.inf)
    pooled = F.max_pool2d(values, kernel, stride, padding)
    return masked(pooled, after), after


def mean_pooled(
    values: Float[Tensor, "batch channels freq time"], lengths: Lengths, kernel: tuple[int, int]
) -> tuple[Float[Tensor, "batch channels freq time"], Lengths]:
    """The mean over windows [freq, time] side by side, and the frames that are left; an odd last frame is dropped."""
    after = strided(lengths, kernel[1], kernel[1])
    return masked(F.avg_pool2d(values, kernel), after), after
