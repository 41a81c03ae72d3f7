"""The same moments in another order."""

from typing import Annotated, NamedTuple

import torch
from pydantic import Field

from earmark.core.batch import Batch
from earmark.core.errors import SettingsError
from earmark.dsp.pieces import moved
from earmark.signal.augment.laws import hits
from earmark.signal.augment.rows import on_rows
from earmark.signal.step import Augment, Draw, Spec


class ChunkShuffleDraw(NamedTuple):
    """Whether a clip is shuffled [batch], and numbers that its chunks are sorted by [batch, chunks]."""

    hit: torch.Tensor
    keys: torch.Tensor


class ChunkShuffle(Augment, kind="chunk_shuffle"):
    """A clip is cut into chunks of equal length, which are put together again in random order.

    There are as many chunks as would fit whole, so each is at least so long; a clip with room for one stays as it is.
    After ex4sperans (third place of Freesound Audio Tagging 2019), who does it with nets that take a maximum over time.
    """

    p: Annotated[float, Field(ge=0, le=1)] = 0.5
    """The chance that a clip is shuffled."""
    chunk_s: Annotated[float, Field(gt=0)] = 0.5
    """How long a chunk is at least."""

    def after(self, spec: Spec) -> Spec:
        self.takes(spec, "wave")
        if self.chunk_s * spec.rate_hz < 1:
            raise SettingsError(
                f"chunks must be at least a sample of {1 / spec.rate_hz:.3g} s long, got {self.chunk_s:g} s; "
                "raise chunk_s"
            )
        return spec

    def draw(self, batch: Batch, chance: torch.Generator) -> ChunkShuffleDraw:
        most = max(1, int(batch.values.shape[1] / (self.chunk_s * batch.rate_hz)))
        return ChunkShuffleDraw(hits(self.p, len(batch), chance), torch.rand(len(batch), most, generator=chance))

    def apply(self, batch: Batch, draw: Draw) -> Batch:
        draw = ChunkShuffleDraw(*draw)
        return on_rows(batch, draw.hit, draw, self._shuffled)

    def _shuffled(self, batch: Batch, draw: ChunkShuffleDraw) -> Batch:
        lengths, keys = batch.lengths[:, None], draw.keys.to(batch.lengths.device, non_blocking=True)
        most = keys.shape[1]
        chunks = torch.arange(most + 1, device=keys.device)
        n = (lengths / (self.chunk_s * batch.rate_hz)).long().clamp(1, most)
        borders = chunks.minimum(n) * lengths // n
        # Chunks that a shorter clip does not have are empty and stay behind the others.
        order = keys.masked_fill(chunks[:-1] >= n, torch.inf).argsort(dim=1, stable=True)
        sources, counts = borders[:, :-1].gather(1, order), borders.diff(dim=1).gather(1, order)
        places = counts.cumsum(dim=1) - counts
        return batch.changed(values=moved(batch.values, sources, counts, places, batch.values.shape[1]))
