"""Chains of operations on a batch, worked out for a few clips at a time.

On whole batches every operation goes through memory, and for megabytes the system clears fresh pages each time: that
makes a chain up to eight times as slow. A CPU therefore takes a few clips at a time, so that what lies between two
operations stays in its cache, leaves out the padding behind them, and does such pieces side by side
(`earmark.dsp.threads`). An accelerator, and whoever wants a gradient, takes the batch as a whole.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from earmark.dsp.padding import padding_zeroed
from earmark.dsp.threads import side_by_side

_VALUES = 1 << 17
_MOST_FOR_FFT, _VALUES_FOR_FFT = 8, 1 << 21


class Some(NamedTuple):
    """What a chain is told about the clips that it is given."""

    rows: slice
    """Which of the batch they are."""
    lengths: Int[Tensor, " some"] | None
    """How much of each is signal; none where all is."""
    n: int
    """How many samples or frames are wanted of each."""


def all_at_once(*tensors: Tensor) -> bool:
    """Whether a chain is worked out for the batch as a whole: on an accelerator, and where a gradient is recorded."""
    recorded = torch.is_grad_enabled() and any(each.requires_grad for each in tensors)
    return recorded or tensors[0].device.type != "cpu"


def clipwise(
    change: Callable[[Tensor, Some], Tensor],
    values: Float[Tensor, "batch ... time"],
    lengths: Int[Tensor, " batch"] | None,
    *,
    counts: Int[Tensor, " batch"] | None = None,
    n_out: int | None = None,
    shape: tuple[int, ...] | None = None,
    n_rows: int = 1,
) -> Float[Tensor, "batch ... n_out"]:
    """What ``change`` makes of each clip, with zeros behind it.

    Args:
        change: makes of some clips, without the padding that all of them have, as many samples or frames as are
            wanted; what it leaves behind a clip's own count is of no account.
        values: zero behind the length of each clip.
        lengths: samples or frames of signal, from 1 on; None where all is signal.
        counts: how much signal comes out of each; as much as went in when left out.
        n_out: how long the result is, and at most as much is wanted; as long as the values when left out.
        shape: of a clip of the result, without time; that of the values when left out.
        n_rows: how many clips at a time. More than one pays where an operation has to be prepared, as an FFT has.

    >>> double = lambda values, some: 2 * values
    >>> clipwise(double, torch.ones(2, 3), torch.tensor([1, 3])).tolist()
    [[2.0, 0.0, 0.0], [2.0, 2.0, 2.0]]
    """
    n, n_out = values.shape[-1], values.shape[-1] if n_out is None else n_out
    counts = lengths if counts is None else counts
    if all_at_once(values):
        made = change(values, Some(slice(None), lengths, n_out))
        return made if counts is None else padding_zeroed(made, counts)
    made = values.new_empty(len(values), *(values.shape[1:-1] if shape is None else shape), n_out)
    sizes: list[int] = [n] * len(values) if lengths is None else lengths.tolist()
    made_sizes: list[int] = [n_out] * len(values) if counts is None else counts.clamp(max=n_out).tolist()

    def fill(start: int) -> None:
        rows = slice(start, min(start + n_rows, len(values)))
        n_in, n_made = max(sizes[rows]), max(made_sizes[rows])
        uneven = lengths is not None and min(sizes[rows]) < n_in
        some = Some(rows, lengths[rows] if lengths is not None and uneven else None, n_made)
        made[rows, ..., :n_made] = change(values[rows, ..., :n_in], some)
        for clip, size in zip(made[rows], made_sizes[rows], strict=True):
            clip[..., size:] = 0.0

    side_by_side(fill, range(0, len(values), n_rows))
    return made


def rows_for_fft(n_samples: int) -> int:
    """How many clips of this length to give a chain at a time in which whole clips are transformed.

    To prepare an FFT takes as long as to do it seven times, so a CPU should do it for several clips at once; long ones
    are few, for the sake of memory.

    >>> rows_for_fft(88200), rows_for_fft(1_323_000)
    (8, 2)
    """
    return max(2, min(_MOST_FOR_FFT, _VALUES_FOR_FFT // max(1, n_samples)))


def few_at_once(change: Callable[..., Tensor], values: Tensor, *others: Tensor) -> Tensor:
    """``change(values, *others)``, worked out for as many clips at a time as fit the cache.

    Args:
        change: makes of some rows of the values and of the others values of the same shape, each row for itself.
        values: [batch, ...].
        others: what else ``change`` needs of each row [batch, ...].

    >>> few_at_once(torch.add, torch.ones(2, 1), torch.tensor([[2.0], [3.0]])).tolist()
    [[3.0], [4.0]]
    """
    n_rows = max(1, _VALUES // max(1, values[:1].numel()))
    if n_rows >= len(values) or all_at_once(values, *others):
        return change(values, *others)
    return clipwise(lambda part, some: change(part, *(each[some.rows] for each in others)), values, None, n_rows=n_rows)
