"""What a training learns from, as far as terms may know it: they meet it once, before the first step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from earmark.core.batch import Batch
from earmark.core.manifest import ORIGINS
from earmark.data.clips import Clips


@dataclass(frozen=True, eq=False)
class Material:
    """The clips of each stream, the vocabulary, and the fold that is held out.

    Args:
        classes: the vocabulary, in the order of the columns of every target.
        clips: of each stream, by its name.
        fold: held out from this training; none where there is none.
        held_out: a name for the clips of that fold, whatever its number; empty where nobody knows.
    """

    classes: tuple[str, ...]
    clips: Mapping[str, Clips]
    fold: int | None = None
    held_out: str = ""

    def of(self, streams: Sequence[str], origins: Sequence[str] | None = None) -> Register:
        """The clips of some streams, each once.

        Args:
            origins: whose clips; none: everybody's.
        """
        codes = [ORIGINS.index(name) for name in (ORIGINS if origins is None else origins)]
        found: dict[str, tuple[Clips, int]] = {}
        for stream in streams:
            clips = self.clips[stream]
            wanted = np.isin(clips.origins, codes)
            found |= {name: (clips, row) for row, name in enumerate(clips.ids) if wanted[row] and name not in found}
        ids = tuple(sorted(found))
        n = len(self.classes)
        targets = np.stack([found[i][0].targets[found[i][1]] for i in ids]) if ids else np.zeros((0, n), np.float32)
        known = np.stack([found[i][0].known[found[i][1]] for i in ids]) if ids else np.zeros((0, n), np.bool_)
        return Register(ids, targets, known)

    def prior(self) -> Tensor:
        """How often each class is there by the labels that are trusted most, [classes]: curated clips where there are
        some, else all whose labels are known."""
        curated = self.of(tuple(self.clips), ("curated",))
        trusted = curated if curated.known.any() else self.of(tuple(self.clips))
        present = (trusted.targets * trusted.known).sum(axis=0) / np.maximum(trusted.known.sum(axis=0), 1)
        return torch.from_numpy(np.asarray(present, np.float32))


class Register:
    """Some clips in the order of their ids, and where each of them stands.

    Args:
        ids: names, each once.
        targets, known: [clips, classes].
    """

    def __init__(self, ids: Sequence[str], targets: NDArray[np.float32], known: NDArray[np.bool_]) -> None:
        self.ids, self.targets, self.known = tuple(ids), targets, known
        self.place = {name: row for row, name in enumerate(ids)}

    @classmethod
    def empty(cls) -> Register:
        """Nobody."""
        return cls((), np.zeros((0, 0), np.float32), np.zeros((0, 0), np.bool_))

    def __len__(self) -> int:
        return len(self.ids)

    def rows(self, batch: Batch) -> Tensor:
        """Where the clips of a batch stand, on its device, [batch]; -1 for those that are not among them.

        The host knows the names, so nobody waits for the device.
        """
        rows = torch.tensor([self.place.get(name, -1) for name in batch.ids], dtype=torch.int64)
        return rows.to(batch.values.device, non_blocking=True)


def named(streams: Sequence[str]) -> str:
    """The streams in a sentence.

    >>> named(("curated", "noisy"))
    "streams 'curated', 'noisy'"
    """
    return f"stream{'s' * (len(streams) > 1)} " + ", ".join(f"'{name}'" for name in streams)
