"""Networks that answer as they train: with dropout, and normalised by their batch. Only to reproduce a mistake.

J. Deng's program (2019) chose among noisy labels by a model that it had left in training, eight clips at a time. What
such a network says of a clip depends on the clips beside it and on what falls to dropout. Here both are settled: clips
come in eights of similar length, and dropout is drawn from named chance, so that the same clips get the same scores.
Its running statistics stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from earmark.core.chance import Chance
from earmark.core.errors import DataError
from earmark.models.dropout import drawn_by
from earmark.models.statistics import statistics_held

BATCH_CLIPS = 8
"""Clips that are normalised together."""


@contextmanager
def in_training(network: nn.Module, device: torch.device) -> Iterator[None]:
    """The network, which is in use, as it trains; afterwards it is as it was, its statistics among it."""
    network.train()
    try:
        with statistics_held(network), drawn_by(Chance(0).at("in training"), device):
            yield
    finally:
        network.eval()


def eights(lengths: Sequence[int]) -> list[NDArray[np.int64]]:
    """Places of clips of these lengths, eight by eight from the longest on; one that is left over joins the last eight.

    Raises:
        DataError: there is just one, which has no company to be normalised by.

    >>> [batch.tolist() for batch in eights([5, 9, 5, 5, 5, 5, 5, 5, 1])]
    [[1, 0, 2, 3, 4, 5, 6, 7, 8]]
    """
    if len(lengths) == 1:
        raise DataError(
            "a network that answers as in training is normalised by the clips beside the one it hears, but there is "
            "one clip alone; give it two or more, or let it answer as in use"
        )
    order = np.argsort(-np.asarray(lengths, dtype=np.int64), kind="stable")
    starts = [start for start in range(0, len(order), BATCH_CLIPS) if not start or len(order) - start > 1]
    return np.split(order, starts[1:]) if len(order) else []
