"""Padding in nets: it is zero wherever a convolution sees it, and lengths shrink as the maps do.

Values are [batch, channels, time] or [batch, channels, freq, time]; ``lengths`` counts frames of signal and is none
where all are, so that masks cost nothing then.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from earmark.dsp.padding import signal_of

Lengths = Int[Tensor, " batch"] | None


def masked(values: Float[Tensor, "batch channels ..."], lengths: Lengths) -> Float[Tensor, "batch channels ..."]:
    """The values with zeros in the padding, where they must be finite.

    They are multiplied by zero there, which takes a tenth of the time of filling in: a fill gives up the layout of
    channels-last maps, and every convolution after it is slow.
    """
    return values if lengths is None else values * signal_of(values, lengths).to(values.dtype)


def strided(
    lengths: Lengths, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1, *, ceil: bool = False
) -> Lengths:
    """How many frames a clip alone would have after a convolution or pool along time; never fewer than none.

    With ``ceil`` a last window may reach beyond the end, as torch's ``ceil_mode`` has it.

    >>> strided(torch.tensor([7, 1]), kernel=2, stride=2).tolist()
    [3, 0]
    """
    if lengths is None:
        return None
    beyond = stride - 1 if ceil else 0
    reach = dilation * (kernel - 1) + 1
    after = torch.div(lengths + 2 * padding - reach + beyond, stride, rounding_mode="floor").add(1)
    if ceil:  # but every window begins in the signal
        after = after - ((after - 1) * stride >= lengths + padding).to(after.dtype)
    return after.clamp(min=0)


def fewest(windows: Iterable[tuple[int, int, int]], n: int = 1) -> int:
    """How many frames convolutions and pools need, in this order, to leave ``n``; each is (kernel, stride, padding).

    >>> fewest([(5, 1, 0), (3, 1, 0), (3, 2, 0)])
    9
    """
    for kernel, stride, padding in reversed(list(windows)):
        n = max((n - 1) * stride + kernel - 2 * padding, 1)
    return n


def max_pooled(
    values: Float[Tensor, "batch channels freq time"],
    lengths: Lengths,
    kernel: tuple[int, int],
    stride: tuple[int, int] | None = None,
    padding: tuple[int, int] = (0, 0),
    *,
    ceil: bool = False,
) -> tuple[Float[Tensor, "batch channels freq time"], Lengths]:
    """The maximum over windows [freq, time], and the frames that are left.

    A clip's own end has the same windows alone and in a batch: those that reach beyond it see what padding would be
    (nothing where the window is padded, zeros never). With ``ceil`` the last windows may be cut short by the end.
    """
    stride = stride or kernel
    after = strided(lengths, kernel[1], stride[1], padding[1], ceil=ceil)
    if lengths is not None and (padding[1] or ceil):
        # Added, for a fill would give up the layout of the maps.
        signal = signal_of(values, lengths)
        values = values + torch.zeros(signal.shape, dtype=values.dtype, device=values.device).masked_fill(
            ~signal, -torch.inf
        )
    pooled = F.max_pool2d(values, kernel, stride, padding, ceil_mode=ceil)
    if after is not None:
        # Windows that lie in the padding altogether have no maximum, and infinity times zero is no number.
        pooled = pooled.clamp(min=torch.finfo(pooled.dtype).min)
    return masked(pooled, after), after


def mean_pooled(
    values: Float[Tensor, "batch channels freq time"], lengths: Lengths, kernel: tuple[int, int], *, ceil: bool = False
) -> tuple[Float[Tensor, "batch channels freq time"], Lengths]:
    """The mean over windows [freq, time] side by side, and the frames that are left.

    An odd last frame is dropped; with ``ceil`` it has a window of its own, the mean over what is there.
    """
    after = strided(lengths, kernel[1], kernel[1], ceil=ceil)
    pooled = F.avg_pool2d(values, kernel, ceil_mode=ceil)
    if ceil and lengths is not None:
        # A window that a clip's end cuts short has been divided by the frames of padding too.
        signal = signal_of(values[:, :1, :1], lengths).to(pooled.dtype)
        pooled = pooled / F.avg_pool2d(signal, (1, kernel[1]), ceil_mode=True).clamp(min=1 / kernel[1])
    return masked(pooled, after), after


def signal_mean(values: Float[Tensor, "batch channels freq time"], lengths: Lengths) -> Float[Tensor, "batch channels"]:
    """The mean of each channel over bands and the frames that are signal, in float32; zero where there is none."""
    # Places before channels, as channels-last maps lie in memory: the gradient of a mean over the last two axes does
    # not, and takes several times as long.
    places = masked(values, lengths).permute(0, 2, 3, 1).flatten(1, 2)
    if lengths is None:
        return places.mean(dim=1, dtype=torch.float32)
    return places.sum(dim=1, dtype=torch.float32) / (lengths.clamp(min=1)[:, None] * values.shape[2])


def signal_max(values: Float[Tensor, "batch channels freq time"], lengths: Lengths) -> Float[Tensor, "batch channels"]:
    """The maximum of each channel over bands and the frames that are signal; zero where there is none."""
    if lengths is None:
        return values.amax(dim=(2, 3))
    found = values.masked_fill(~signal_of(values, lengths), -torch.inf).amax(dim=(2, 3))
    return found.masked_fill((lengths < 1)[:, None], 0.0)
