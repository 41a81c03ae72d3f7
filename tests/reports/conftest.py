"""A made-up evaluation that every test here may read, small enough to be scored in milliseconds."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from earmark.core.predictions import Predictions

RATE_HZ = 22050


class Evaluation(NamedTuple):
    """Some clips, what they are and what they were taken for."""

    predictions: Predictions
    truth: NDArray[np.bool_]

    @property
    def classes(self) -> tuple[str, ...]:
        """The vocabulary."""
        return self.predictions.classes

    @property
    def scores(self) -> NDArray[np.float64]:
        """Logits [clips, classes]."""
        return self.predictions.scores


@pytest.fixture(scope="session")
def evaluated() -> Callable[..., Evaluation]:
    """Makes an evaluation of so many clips over these classes; every clip has a label, the last class never."""

    def make(classes: list[str], n_clips: int = 60, seed: int = 0) -> Evaluation:
        rng = np.random.default_rng(seed)
        truth = rng.random((n_clips, len(classes))) < 0.15
        truth[np.arange(n_clips), rng.integers(len(classes) - 1, size=n_clips)] = True
        truth[:, -1] = False
        scores = 2.0 * truth + rng.normal(size=truth.shape) - 2.0
        ids = tuple(f"clip{row:03d}.wav" for row in range(n_clips))
        return Evaluation(Predictions(ids, tuple(classes), scores), truth)

    return make


@pytest.fixture(scope="session")
def hear() -> Callable[[str], tuple[NDArray[np.float32], int]]:
    """A tone for every clip, from half a second to five seconds long."""

    def tone(name: str) -> tuple[NDArray[np.float32], int]:
        number = int(name.removeprefix("clip").removesuffix(".wav"))
        time_s = np.arange(round(RATE_HZ * (0.5 + number % 10 / 2))) / RATE_HZ
        return (0.5 * np.sin(2 * np.pi * (200 + 50 * number) * time_s)).astype(np.float32), RATE_HZ

    return tone


@pytest.fixture(scope="session")
def history() -> tuple[dict[str, float], ...]:
    """Twelve epochs of two parts, the held-out clips scored in every other one."""
    rows = []
    for epoch in range(1, 13):
        row = {"epoch": epoch, "total": 1.3 / epoch, "curated": 1.0 / epoch, "noisy": 0.3 / epoch, "lr": 1e-3 / epoch}
        row |= {"seconds": 10.0, "clips_per_s": 300.0 + epoch, "gradient_norm": 2.0 / epoch}
        rows.append(row | ({"held_out_lwlrap": 0.7 - 0.5 / epoch} if epoch % 2 else {}))
    return tuple(rows)
