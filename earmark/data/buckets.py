"""Batches of clips of similar length, so that little of what is computed is padding."""

from __future__ import annotations

import math
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


def patient_buckets(
    lengths: Sequence[int] | NDArray[np.int64],
    *,
    most_clips: int = 64,
    most_samples: int,
    most_batches: float,
    highest: float = 0.2,
    step: float = 0.01,
) -> list[NDArray[np.int64]]:
    """Group clips by the patience of O. Akiyama and J. Sato (2019): few batches first, little padding second.

    Shortest first, a clip joins a batch if it is at most ``1 + patience`` times as long as the first of it. Patience
    starts at 0 and is raised until there are few enough batches, or it is at its highest.

    Args:
        lengths: samples of each clip.
        most_clips: clips in a batch at the most.
        most_samples: padded samples in a batch at the most; a clip that is longer is alone.
        most_batches: where patience stops being raised.
        highest: the most patience, as a share of a length.
        step: by how much it is raised at a time.

    Returns:
        Indices of clips, batch by batch; the batch with the longest clips comes first.

    >>> [b.tolist() for b in patient_buckets([10, 13, 11, 12], most_samples=100, most_batches=2)]
    [[3, 1], [0, 2]]
    """
    lengths = np.asarray(lengths, dtype=np.int64)
    order = np.argsort(lengths, kind="stable")
    batches: list[list[int]] = []
    for raised in range(math.floor(highest / step + 1e-9) + 1):
        patience, batches = 1 + raised * step, []
        first, n = 0, np.int64(0)
        for i in order:
            n = lengths[i]
            size = len(batches[-1]) + 1 if batches else 1
            # A share of a length is not exact; a thousandth of a sample is no difference.
            if batches and n <= patience * first + 1e-3 and size <= most_clips and n * size <= most_samples:
                batches[-1].append(int(i))
                continue
            batches.append([int(i)])
            first = int(n)
        if len(batches) <= most_batches:
            break
    return [np.array(batch, dtype=np.int64) for batch in reversed(batches)]


def wasted(lengths: Sequence[int] | NDArray[np.int64], batches: Sequence[NDArray[np.int64]]) -> float:
    """The share of padding in all that these batches compute, in [0, 1)."""
    lengths = np.asarray(lengths, dtype=np.int64)
    padded = sum(int(lengths[batch].max()) * len(batch) for batch in batches)
    return 1 - int(lengths.sum()) / padded if padded else 0.0
