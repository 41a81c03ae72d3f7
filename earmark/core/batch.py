"""What travels from the streams through the view to the model: tensors of some clips of one stream on one device.

Axes are [batch, samples] while the values are waves and [batch, channels, freq, time] once they are power or
features. ``lengths`` counts the samples or frames that are signal; what lies behind them is padding and is zero.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from earmark.core.spec import Domain


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

    def __len__(self) -> int:
        return len(self.ids)

    def changed(self, **parts: Any) -> Batch:
        """The same batch with some parts replaced."""
        return replace(self, **parts)

    def to(self, device: torch.device) -> Batch:
        """The batch on a device; the copy does not make the host wait."""
        names = ("values", "lengths", "targets", "known", "weights", "origins")
        return replace(self, **{name: getattr(self, name).to(device, non_blocking=True) for name in names})

    def pinned(self) -> Batch:
        """The batch in page-locked memory, from which a GPU copies while it computes."""
        names = ("values", "lengths", "targets", "known", "weights", "origins")
        return replace(self, **{name: getattr(self, name).pin_memory() for name in names})


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
