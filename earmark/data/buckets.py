"""Batches of clips of similar length, so that little of what is computed is padding."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def buckets(
    lengths: Sequence[int] | NDArray[np.int64], *, most_clips: int = 64, most_samples: int, waste: float = 0.1
) -> list[NDArray[np.int64]]:
    """Group clips so that in no batch more than ``waste`` of the padded samples are padding.

    Args:
        lengths: samples of each clip.
        most_clips: clips in a batch at the most.
        most_samples: padded samples in a batch at the most; a clip that is longer is alone.
        waste: share of padding allowed in a batch, in [0, 1); 0 puts only equal lengths together.

    Returns:
        Indices of clips, batch by batch, longest first, so that memory runs out at once or not at all.

    >>> [b.tolist() for b in buckets([3, 10, 10, 4], most_samples=100, waste=0.15)]
    [[1, 2], [3, 0]]
    """
    lengths = np.asarray(lengths, dtype=np.int64)
    batches: list[list[int]] = []
    longest = filled = 0
    for i in np.argsort(-lengths, kind="stable"):
        n = int(lengths[i])
        if batches:
            size = len(batches[-1]) + 1
            padded = longest * size
            if size <= most_clips and padded <= most_samples and padded - (filled + n) <= waste * padded:
                batches[-1].append(int(i))
                filled += n
                continue
        batches.append([int(i)])
        longest = filled = n
    return [np.array(batch, dtype=np.int64) for batch in batches]


def wasted(lengths: Sequence[int] | NDArray[np.int64], batches: Sequence[NDArray[np.int64]]) -> float:
    """The share of padding in all that these batches compute, in [0, 1)."""
    lengths = np.asarray(lengths, dtype=np.int64)
    padded = sum(int(lengths[batch].max()) * len(batch) for batch in batches)
    return 1 - int(lengths.sum()) / padded if padded else 0.0
