"""What the student sees and says in one step, worked out once however many terms ask.

A view of a stream is drawn from the chance of this step and named by a number: two views of the same clips are two
draws. Streams go through the network apart, because batch statistics of different origins differ, unless they are
asked for together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from earmark.core.batch import Batch
from earmark.core.chance import Chance

if TYPE_CHECKING:
    from earmark.models.encoders.encoder import Encoded
    from earmark.models.network import Network


class Look:
    """One step's batches, with what the view and the network make of them."""

    def __init__(
        self, view: nn.Module, network: Network, batches: Mapping[str, Batch], chance: Chance, epoch: float
    ) -> None:
        self.view, self.network, self.batches, self.chance, self.epoch = view, network, batches, chance, epoch
        self._seen: dict[tuple[tuple[str, ...], int], Batch] = {}
        self._encoded: dict[tuple[tuple[str, ...], int], Encoded] = {}

    def seen(self, streams: tuple[str, ...], view: int = 0) -> Batch:
        """The clips of these streams after the view with this number."""
        key = (streams, view)
        if key not in self._seen:
            if len(streams) > 1:
                self._seen[key] = _together([self.seen((stream,), view) for stream in streams])
            else:
                self._seen[key] = self.view(
                    self.batches[streams[0]], self.chance.at("view", stream=streams[0], view=view)
                )
        return self._seen[key]

    def logits(self, streams: tuple[str, ...], view: int = 0, head: str = "main") -> Tensor:
        """The student's logits for them, [batch, classes]."""
        key = (streams, view)
        if key not in self._encoded:
            self._encoded[key] = self.network.encode(self.seen(streams, view))
        logits: Tensor = self.network.heads[head](self._encoded[key])
        return logits.float()


def _together(batches: list[Batch]) -> Batch:
    first = batches[0]
    longest = max(batch.values.shape[-1] for batch in batches)
    batches = [_padded(batch, longest) for batch in batches]
    tensors = [f.name for f in fields(Batch) if isinstance(getattr(first, f.name), Tensor)]
    parts = {name: torch.cat([getattr(batch, name) for batch in batches]) for name in tensors}
    ids = tuple(name for batch in batches for name in batch.ids)
    return first.changed(**parts, ids=ids, padded=any(batch.padded for batch in batches))


def _padded(batch: Batch, n: int) -> Batch:
    """The batch with its values ``n`` long; streams may cut clips of different length."""
    missing = n - batch.values.shape[-1]
    return batch.changed(values=functional.pad(batch.values, (0, missing)), padded=True) if missing else batch
