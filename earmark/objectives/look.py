"""What the student sees and says in one step, worked out once however many terms ask.

A view of a stream is drawn from the chance of this step and named by a number: two views of the same clips are two
draws. Streams go through the network apart, because batch statistics of different origins differ, unless they are
asked for together.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from torch import Tensor, nn

from earmark.core.batch import Batch, together
from earmark.core.chance import Chance

if TYPE_CHECKING:
    from earmark.models.encoders.encoder import Encoded
    from earmark.models.network import Network


class Look:
    """One step's batches, with what the view and the network make of them."""

    def __init__(
        self,
        view: nn.Module,
        network: Network,
        batches: Mapping[str, Batch],
        chance: Chance,
        epoch: float,
        augment: bool = True,
    ) -> None:
        self.view, self.network, self.batches, self.chance, self.epoch = view, network, batches, chance, epoch
        self.augment = augment
        self._seen: dict[tuple[tuple[str, ...], int], Batch] = {}
        self._encoded: dict[tuple[tuple[str, ...], int], Encoded] = {}

    def seen(self, streams: tuple[str, ...], view: int = 0) -> Batch:
        """The clips of these streams after the view with this number."""
        key = (streams, view)
        if key not in self._seen:
            if len(streams) > 1:
                self._seen[key] = together([self.seen((stream,), view) for stream in streams])
            else:
                self._seen[key] = self._viewed(streams[0], view)
        return self._seen[key]

    def _viewed(self, stream: str, view: int) -> Batch:
        chance = self.chance.at("view", stream=stream, view=view) if self.augment else None
        others = {name: batch for name, batch in self.batches.items() if name != stream}
        seen: Batch = self.view(self.batches[stream], chance, others)
        return seen

    def logits(self, streams: tuple[str, ...], view: int = 0, head: str = "main") -> Tensor:
        """The student's logits for them, [batch, classes]."""
        key = (streams, view)
        if key not in self._encoded:
            self._encoded[key] = self.network.encode(self.seen(streams, view))
        logits: Tensor = self.network.heads[head](self._encoded[key])
        return logits.float()
