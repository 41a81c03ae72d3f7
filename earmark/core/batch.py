"""What travels from the streams through the view to the model: tensors of some clips of one stream on one device.

Axes are [batch, samples] while the values are waves and [batch, channels, freq, time] once they are power or
features. ``lengths`` counts the samples or frames that are signal; what lies behind them is padding and is zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional

from earmark.core.spec import Domain

TENSORS = ("values", "lengths", "targets", "known", "weights", "origins")
"""The parts of a batch that have one row a clip and travel to a device."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Some clips of one stream, with what is known about them.

    Args:
        values: waves in [-1, 1] or spectrograms.
        lengths: how many samples or frames of each clip are signal.
        targets: 1 present, 0 absent, between for soft labels; meaningless where ``known`` is false.
        known: whether the target of a (clip, class) is known at all.
        weights: how much each clip counts in a loss.
        origins: index of the origin, as in `earmark.core.manifest.ORIGINS`.
        ids: names of the clips.
        rate_hz: samples or frames in a second.
        domain: what the values are.
        padded: whether any clip is shorter than the values are long. The host knows this when it makes a batch, so
            that masks can be left out without asking the device.
        guests: the last rows, by the stream they come from and how many they are: clips of other streams that are only
            there to be mixed into the others, and are dropped before the model.
    """

    values: Float[Tensor, "batch ..."]
    lengths: Int[Tensor, " batch"]
    targets: Float[Tensor, "batch classes"]
    known: Bool[Tensor, "batch classes"]
    weights: Float[Tensor, " batch"]
    origins: Int[Tensor, " batch"]
    ids: tuple[str, ...]
    rate_hz: float
    domain: Domain = "wave"
    padded: bool = True
    guests: tuple[tuple[str, int], ...] = ()

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def n_own(self) -> int:
        """How many of the clips are no guests; they come first."""
        return len(self) - sum(n for _, n in self.guests)

    def rows_of(self, stream: str | None) -> slice:
        """Where the guests from a stream lie; the batch's own clips where there are none from it."""
        start = self.n_own
        for name, n in self.guests:
            if name == stream:
                return slice(start, start + n)
            start += n
        return slice(0, self.n_own)

    def own(self) -> Batch:
        """The batch without its guests."""
        if not self.guests:
            return self
        parts = {name: getattr(self, name)[: self.n_own] for name in TENSORS}
        return replace(self, **parts, ids=self.ids[: self.n_own], guests=())

    def changed(self, **parts: Any) -> Batch:
        """The same batch with some parts replaced."""
        return replace(self, **parts)

    def to(self, device: torch.device) -> Batch:
        """The batch on a device; the copy does not make the host wait."""
        return replace(self, **{name: getattr(self, name).to(device, non_blocking=True) for name in TENSORS})

    def pinned(self) -> Batch:
        """The batch in page-locked memory, from which a GPU copies while it computes."""
        return replace(self, **{name: getattr(self, name).pin_memory() for name in TENSORS})


def together(batches: Sequence[Batch]) -> Batch:
    """Several batches as one, in order; the shorter ones are padded with zeros."""
    longest = max(batch.values.shape[-1] for batch in batches)
    batches = [_padded(batch, longest) for batch in batches]
    parts = {name: torch.cat([getattr(batch, name) for batch in batches]) for name in TENSORS}
    ids = tuple(name for batch in batches for name in batch.ids)
    return batches[0].changed(**parts, ids=ids, padded=any(batch.padded for batch in batches))


def _padded(batch: Batch, n: int) -> Batch:
    missing = n - batch.values.shape[-1]
    return batch.changed(values=functional.pad(batch.values, (0, missing)), padded=True) if missing else batch


def waves(values: Tensor, lengths: Tensor, rate_hz: float, ids: tuple[str, ...], n_classes: int) -> Batch:
    """A batch of waves of which no label is known, as prediction needs it."""
    n = len(ids)
    return Batch(
        values=values,
        lengths=lengths,
        targets=torch.zeros(n, n_classes),
        known=torch.zeros(n, n_classes, dtype=torch.bool),
        weights=torch.ones(n),
        origins=torch.zeros(n, dtype=torch.int64),
        ids=ids,
        rate_hz=rate_hz,
    )


def signal_mask(lengths: Int[Tensor, " batch"], n: int) -> Bool[Tensor, "batch n"]:
    """True where there is signal, false in the padding, for ``n`` samples or frames.

    >>> signal_mask(torch.tensor([1, 3]), 3).tolist()
    [[True, False, False], [True, True, True]]
    """
    return torch.arange(n, device=lengths.device) < lengths[:, None]
