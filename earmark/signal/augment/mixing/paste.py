"""The shorter of two clips within the longer."""

from typing import Annotated, Literal, NamedTuple

import torch
from pydantic import Field
from torch import Tensor

from earmark.core.batch import Batch
from earmark.dsp.pieces import delayed, place_of
from earmark.signal.augment.mixing.labels import labels_of
from earmark.signal.augment.mixing.mixing import Mixing
from earmark.signal.augment.mixing.places import along, segment
from earmark.signal.augment.mixing.shares.share import Share
from earmark.signal.augment.mixing.shares.uniform import Uniform
from earmark.signal.step import Spec


class PasteNumbers(NamedTuple):
    """The share of the longer clip, and where the shorter begins as a share in [0, 1) of the room."""

    share: Tensor
    place: Tensor


class Paste(Mixing, kind="paste"):
    """A stretch of the longer clip gives way to the shorter one; whatever is heard is tagged.

    ``share · longer``, in which a stretch as long as the shorter clip is replaced by ``(1 - share) · shorter``. Clips
    of equal length become their mean. So the published program of ex4sperans (2019) mixes, though it was meant to add;
    ``mode: add`` does that.
    """

    p: Annotated[float, Field(ge=0, le=1)] = 0.5
    """The chance that a clip is mixed."""
    share: Share = Uniform(low=0.4, high=0.6)
    """How much the longer clip keeps, whichever of the two it is."""
    mode: Literal["paste", "add"] = "paste"
    """Whether the stretch is replaced or the shorter clip is added to it."""

    def after(self, spec: Spec) -> Spec:
        return self.takes(spec, "wave", "power", "magnitude", where="put it before the compression")

    def numbers(self, n: int, chance: torch.Generator) -> PasteNumbers:
        return PasteNumbers(self.share.draw(n, chance), torch.rand(n, generator=chance))

    def mixed(self, own: Batch, mate: Batch, numbers: PasteNumbers) -> Batch:
        room = own.lengths - mate.lengths
        start = place_of(numbers.place, room.abs())
        one, other = self._part(own, room, start), self._part(mate, -room, start)
        share = torch.where(room > 0, numbers.share, 1.0 - numbers.share).masked_fill(room == 0, 0.5)
        return own.changed(
            values=torch.lerp(other, one, along(share.to(one.dtype), one)),
            lengths=torch.maximum(own.lengths, mate.lengths),
            **labels_of(own, mate, "union"),
        )

    def _part(self, batch: Batch, room: Tensor, start: Tensor) -> Tensor:
        """What is heard of clips that are by ``room`` longer than the others, which begin at ``start``."""
        values = delayed(batch.values, batch.lengths, torch.where(room > 0, 0, start))
        if self.mode == "add":
            return values
        hole = segment(start, torch.where(room > 0, batch.lengths - room, 0), values.shape[-1])
        return values * along(1.0 - hole, values)
