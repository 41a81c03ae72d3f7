"""Effects that change some clips of a batch only: they are worked out for those alone.

Which clips are hit is drawn on the CPU, so the host knows it and never asks the device; expensive effects with a small
chance then cost little.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from jaxtyping import Bool, Int
from torch import Tensor
from torch.nn import functional

from earmark.core.batch import TENSORS, Batch
from earmark.signal.step import Draw

_DRAW = TypeVar("_DRAW", bound=Draw)


def on_rows(batch: Batch, hit: Bool[Tensor, " batch"], draw: _DRAW, change: Callable[[Batch, _DRAW], Batch]) -> Batch:
    """The batch with the clips that are hit changed, and the others as they were.

    Args:
        hit: which clips, on the CPU.
        draw: numbers for all clips; ``change`` is given those of the clips that are hit.
        change: makes a batch of the same clips out of some; what comes out longer than the batch is cut, what comes
            out shorter is padded with zeros.
    """
    if not bool(hit.any()):
        return batch
    if bool(hit.all()):
        return fitted(change(batch, draw), batch.values.shape[-1])
    rows = hit.nonzero()[:, 0]
    there = rows.to(batch.values.device, non_blocking=True)
    return put(batch, there, change(taken(batch, rows, there), taken_draw(draw, rows)))


def put(batch: Batch, there: Int[Tensor, " n"], part: Batch) -> Batch:
    """The batch with some of its clips, by their numbers on its device, replaced by those of another, in order."""
    part = fitted(part, batch.values.shape[-1])
    changed = {}
    for name in TENSORS:
        before, after = getattr(batch, name), getattr(part, name)
        changed[name] = before.index_copy(0, there, after.to(before.dtype))
    return batch.changed(**changed, padded=batch.padded or part.padded)


def taken(batch: Batch, rows: Int[Tensor, " n"], there: Int[Tensor, " n"]) -> Batch:
    """Some clips as a batch without guests; the same numbers on the CPU and on the device of the batch."""
    # Not by square brackets, which take twice as long.
    parts = {name: getattr(batch, name).index_select(0, there) for name in TENSORS}
    return batch.changed(**parts, ids=tuple(batch.ids[i] for i in rows.tolist()), guests=())


def taken_draw(draw: _DRAW, rows: Int[Tensor, " n"] | slice) -> _DRAW:
    """The numbers of some clips; draws within draws as well."""
    return type(draw)(*(part[rows] if isinstance(part, Tensor) else taken_draw(part, rows) for part in draw))


def fitted(batch: Batch, n: int) -> Batch:
    """The batch with a time axis of ``n``: what is longer is cut, what is shorter is padded with zeros."""
    width = batch.values.shape[-1]
    if width > n:
        return batch.changed(values=batch.values[..., :n].contiguous(), lengths=batch.lengths.clamp(max=n))
    if width < n:
        return batch.changed(values=functional.pad(batch.values, (0, n - width)), padded=True)
    return batch
