"""Streams: named plans of which clips come when, and the batches they make.

A batch is a pure function of (stream, number of the batch): the plan of each pass over the clips and every crop are
drawn from named chance. So any batch can be made again, in any thread, and a resumed run sees what an uninterrupted
one saw. Batches of one stream have one size; a pass leaves out the few clips that do not fill a last batch, other
ones each time.
"""

from functools import lru_cache
from typing import Annotated, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field, field_validator

from earmark.core.batch import Batch
from earmark.core.chance import Chance
from earmark.core.errors import DataError
from earmark.core.manifest import ORIGINS
from earmark.core.settings import Settings, nearest
from earmark.data.clips import Clips
from earmark.data.crops import Crop

_SORTED_BATCHES = 16


class StreamSettings(Settings):
    """Where the clips of a stream come from, how often each, and how many a batch."""

    origins: dict[str, Annotated[float, Field(gt=0)]] = {"curated": 1.0}
    """Origins with their shares of a batch; with one origin every clip comes once a pass, with more they are drawn."""
    absent: Literal["refuse", "leave_out"] = "refuse"
    """What to do about an origin of which there is no clip: say so and stop, or go on with the others."""
    batch_size: int = Field(32, ge=1)
    """Clips in a batch, on each device."""
    sampling: Literal["uniform", "balanced", "once"] = "uniform"
    """Each clip of an origin alike, or each class alike: clips of rare classes come more often. ``once``: every clip of
    all origins comes once a pass, whatever the shares, as if the origins were one."""
    crop: Crop = Crop()
    """What is cut from each clip."""
    waste: float = Field(0.2, ge=0, lt=1)
    """Where whole clips are taken, the share of a batch that may be padding: clips of similar length come together, and
    of one that is still too long for its batch a random part is taken."""

    @field_validator("origins")
    @classmethod
    def _known_origins(cls, origins: dict[str, float]) -> dict[str, float]:
        for origin in origins:
            if origin not in ORIGINS:
                raise ValueError(f"no origin '{origin}'; {nearest(origin, ORIGINS)}")
        if not origins:
            raise ValueError("a stream needs at least one origin; write for example {curated: 1}")
        return origins


class Stream:
    """The batches of one stream by number."""

    def __init__(
        self, name: str, settings: StreamSettings, clips: Clips, chance: Chance, *, rank: int = 0, world_size: int = 1
    ) -> None:
        """Make a plan for clips.

        Args:
            clips: what there is; those of other origins are left out.
            rank, world_size: this process among those that share the stream; together they make its batches.

        Raises:
            DataError: an origin of which there is no clip, and it may not be left out; or no clip at all.
        """
        self.name, self.settings = name, settings
        there = set(np.unique(clips.origins).tolist())
        self.shares = {origin: share for origin, share in settings.origins.items() if ORIGINS.index(origin) in there}
        absent = [origin for origin in settings.origins if origin not in self.shares]
        if absent and (settings.absent == "refuse" or not self.shares):
            raise DataError(f"stream '{name}' takes {absent[0]} clips, but there is none; leave that origin out")
        codes = [ORIGINS.index(origin) for origin in self.shares]
        self.clips = clips.rows(np.flatnonzero(np.isin(clips.origins, codes)))
        self.chance = chance.at(stream=name)
        self.rank, self.world_size = rank, world_size
        self._order = lru_cache(maxsize=4)(self._plan)

    def __len__(self) -> int:
        """Batches in a pass."""
        return max(1, len(self.clips) // (self.settings.batch_size * self.world_size))

    def _plan(self, number: int) -> NDArray[np.int64]:
        """Which clip is where in a pass, [batches, world x batch]."""
        rng = self.chance.at("plan", round=number).numpy()
        wanted = len(self) * self.settings.batch_size * self.world_size
        sampling = self.settings.sampling
        if sampling == "once" or (sampling == "uniform" and len(self.shares) == 1):
            order = np.resize(rng.permutation(len(self.clips)), wanted)
        else:
            order = rng.choice(len(self.clips), size=wanted, p=self._shares())
        if self.settings.crop.length_s is None:
            order = self._by_length(order, rng)
        return order.reshape(len(self), -1)

    def _by_length(self, order: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
        """The same clips with similar lengths in one batch, the batches in random order.

        Only stretches of some batches are sorted, so that a clip meets others in each pass.
        """
        size = self.settings.batch_size * self.world_size
        lengths = self.clips.n_samples[order]
        stretch = np.arange(len(order)) // (_SORTED_BATCHES * size)
        batches = order[np.lexsort((lengths, stretch))].reshape(-1, size)
        return np.asarray(rng.permuted(rng.permutation(batches), axis=1))

    def _shares(self) -> NDArray[np.float64]:
        """The chance of each clip at each draw."""
        shares = np.ones(len(self.clips))
        if self.settings.sampling == "balanced":
            present = (self.clips.targets > 0) & self.clips.known
            rarity = 1.0 / np.maximum(present.sum(axis=0), 1)
            shares = np.where(present.any(axis=1), (present * rarity).max(axis=1), rarity.min())
        total = sum(self.shares.values())
        for origin, share in self.shares.items():
            own = self.clips.origins == ORIGINS.index(origin)
            shares[own] *= share / total / shares[own].sum()
        return np.asarray(shares / shares.sum())

    def batch(self, number: int) -> Batch:
        """Batch ``number`` of the training, on the CPU."""
        turn, place = divmod(number, len(self))
        size = self.settings.batch_size
        chosen = self._order(turn)[place, self.rank * size : (self.rank + 1) * size]
        rng = self.chance.at("crop", batch=number, rank=self.rank).numpy()
        return cut(self.clips.rows(chosen), self.settings.crop, rng, waste=self.settings.waste)


def cut(clips: Clips, crop: Crop, rng: np.random.Generator, *, waste: float = 1.0) -> Batch:
    """A batch with one random crop of each clip.

    Args:
        waste: where whole clips are taken, the share of each row that may be padding.
    """
    rate_hz = clips.store.rate_hz
    sizes = np.array([crop.n_samples(int(n), rate_hz) for n in clips.n_samples])
    if crop.length_s is None and waste < 1:
        sizes = np.minimum(sizes, int(np.floor(sizes.min() / (1 - waste))))
    values = np.zeros((len(clips), int(sizes.max(initial=1))), np.float32)
    lengths = np.zeros(len(clips), np.int64)
    for row, (file, start, n, size) in enumerate(zip(clips.files, clips.starts, clips.n_samples, sizes, strict=True)):
        offset = int(rng.integers(0, n - size + 1)) if n > size else 0
        wave = crop.at_least(clips.store.read(file, int(start) + offset, int(min(n, size))), rate_hz)
        values[row, : len(wave)] = wave
        lengths[row] = len(wave)
    return Batch(
        values=torch.from_numpy(values),
        lengths=torch.from_numpy(lengths),
        targets=torch.from_numpy(clips.targets),
        known=torch.from_numpy(clips.known),
        weights=torch.ones(len(clips)),
        origins=torch.from_numpy(clips.origins),
        ids=clips.ids,
        rate_hz=rate_hz,
        padded=bool((lengths < values.shape[1]).any()),
    )
