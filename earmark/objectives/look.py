"""What the student sees and says in one step, worked out once however many terms ask.

A view of a stream is drawn from the chance of this step and named by a number: two views of the same clips are two
draws. Streams go through the network apart, because batch statistics of different origins differ, unless they are
asked for together.

Steps of the view that mix clips are a trouble for whoever compares two views: each view then has other partners. So
a view may be asked for *unmixed* (all augmentations but those) or *clean* (none, as in use). And where a term knows
targets better than those that the stream gives, it puts them in before the view, so that they are mixed like the
sound (`Look.relabelled`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Literal

from torch import Tensor, nn

from earmark.core.batch import Batch, together
from earmark.core.chance import Chance
from earmark.models.statistics import statistics_held
from earmark.objectives.apart import guess

if TYPE_CHECKING:
    from earmark.models.encoders.encoder import Encoded
    from earmark.models.network import Network

How = Literal["whole", "unmixed", "clean"]
"""A view with every augmentation, with those that leave clips by themselves, with none."""
Relabel = Callable[[str, Batch], Batch]
"""Makes of the name of a stream and its batch, as it comes, one with other targets."""
_Key = tuple[tuple[str, ...], int, How]


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
        statistics_from: Collection[str] | None = None,
    ) -> None:
        """Look at the batches of one step.

        Args:
            statistics_from: streams whose clips move the running statistics of batch norm; none: all of them do.
        """
        self.view, self.network, self.batches, self.chance, self.epoch = view, network, batches, chance, epoch
        self.augment, self.statistics_from = augment, statistics_from
        self._mixes = augment and bool(getattr(view, "mixes", False))
        self._seen: dict[_Key, Batch] = {}
        self._encoded: dict[_Key, Encoded] = {}
        self._logits: dict[tuple[_Key, str], Tensor] = {}

    def seen(self, streams: tuple[str, ...], view: int = 0, how: How = "whole") -> Batch:
        """The clips of these streams after the view with this number."""
        key = self._key(streams, view, how)
        if key not in self._seen:
            if len(streams) > 1:
                self._seen[key] = together([self.seen((stream,), view, how) for stream in streams])
            else:
                self._seen[key] = self._viewed(streams[0], view, key[2])
        return self._seen[key]

    def logits(self, streams: tuple[str, ...], view: int = 0, head: str = "main", how: How = "whole") -> Tensor:
        """The student's logits for them, [batch, classes]."""
        key = self._key(streams, view, how), head
        if key not in self._logits:  # a head has batch statistics and dropout too, which are of one forward
            encoded = self.encoded(streams, view, how)
            with self.statistics_of(streams):
                self._logits[key] = self.network.heads[head](encoded).float()
        return self._logits[key]

    def encoded(self, streams: tuple[str, ...], view: int = 0, how: How = "whole") -> Encoded:
        """What the student's encoder makes of them."""
        key = self._key(streams, view, how)
        if key not in self._encoded:
            seen = self.seen(streams, view, how)
            with self.statistics_of(streams):
                self._encoded[key] = self.network.encode(seen)
        return self._encoded[key]

    def relabelled(
        self, streams: tuple[str, ...], relabel: Relabel, view: int = 0, head: str = "main"
    ) -> tuple[Batch, Tensor]:
        """The clips after the same view, but with targets of the term's own, and the student's logits for them.

        Where steps of the view mix clips, they mix these targets as they would mix labels; guests of other streams
        bring their labels. The network is asked anew only where what it hears depends on the labels.

        Args:
            relabel: is given each stream's name and its batch as it comes, before the view.
        """
        parts = [self._viewed(stream, view, "whole", relabel) for stream in streams]
        seen = together(parts) if len(parts) > 1 else parts[0]
        if self.augment and getattr(self.view, "reads_labels", False):
            with self.statistics_of(streams):
                return seen, self.network(seen, head)
        return seen, self.logits(streams, view, head)

    def said(self, streams: tuple[str, ...], head: str = "main") -> Tensor:
        """What the student says in training of each clip by itself, without gradient: probabilities, [batch, classes].

        Where the view mixes nothing, that is what it says anyway; else it takes a forward of its own.
        """
        if not self._mixes:
            return self.logits(streams, head=head).detach().sigmoid()
        chance = self.chance.at("said", streams=" ".join(streams))
        return guess(self.network, self.seen(streams, how="unmixed"), chance, head, use=False).sigmoid()

    def statistics_of(self, streams: tuple[str, ...]) -> AbstractContextManager[None]:
        """Around a forward of the student for these streams: running statistics stay as they are, where none of them is
        to move them. Terms that ask the network themselves, and not this look, put it around their forwards."""
        moves = self.statistics_from is None or any(stream in self.statistics_from for stream in streams)
        return nullcontext() if moves else statistics_held(self.network)

    def _key(self, streams: tuple[str, ...], view: int, how: How) -> _Key:
        return streams, view, "whole" if how == "unmixed" and not self._mixes else how

    def _viewed(self, stream: str, view: int, how: How, relabel: Relabel | None = None) -> Batch:
        batch = relabel(stream, self.batches[stream]) if relabel else self.batches[stream]
        chance = self.chance.at("view", stream=stream, view=view) if self.augment and how != "clean" else None
        others = {name: batch for name, batch in self.batches.items() if name != stream}
        seen: Batch = (
            self.view(batch, chance, others, mix=False) if how == "unmixed" else self.view(batch, chance, others)
        )
        return seen
