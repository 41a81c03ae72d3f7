"""Clips to mix, draws chosen by hand, and what is known about a mixture, told clip by clip."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from earmark.core.batch import Batch
from earmark.core.spec import Domain
from earmark.dsp.padding import padding_zeroed
from earmark.signal.augment.mixing.mixing import MixingDraw

N_CLASSES = 5


def clips(lengths: tuple[int, ...], domain: Domain = "wave", rate_hz: float = 100.0, seed: int = 0) -> Batch:
    """Random clips with graded targets, of which some are unknown; pictures have two channels of six bands."""
    chance = torch.Generator().manual_seed(seed)
    n, time = len(lengths), max(lengths)
    values = torch.rand((n, time) if domain == "wave" else (n, 2, 6, time), generator=chance) - 0.5
    return Batch(
        values=padding_zeroed(values, torch.tensor(lengths)),
        lengths=torch.tensor(lengths),
        targets=torch.randint(0, 3, (n, N_CLASSES), generator=chance) / 2.0,
        known=torch.rand(n, N_CLASSES, generator=chance) < 0.6,
        weights=torch.rand(n, generator=chance),
        origins=torch.arange(n) % 3,
        ids=tuple(f"clip {i}" for i in range(n)),
        rate_hz=rate_hz,
        domain=domain,
        padded=min(lengths) < time,
    )


def drawn(partner: list[int], numbers: Any, hit: list[bool] | None = None) -> MixingDraw:
    """A draw in which everybody is mixed, unless told otherwise."""
    return MixingDraw(torch.tensor([True] * len(partner) if hit is None else hit), torch.tensor(partner), numbers)


def signal(batch: Batch, row: int) -> np.ndarray:
    """A clip without its padding."""
    return batch.values[row, ..., : int(batch.lengths[row])].numpy().astype(np.float64)


def long_as(signal: np.ndarray, n: int) -> np.ndarray:
    """The signal with silence behind it, or cut."""
    return np.pad(signal, [(0, 0)] * (signal.ndim - 1) + [(0, max(0, n - signal.shape[-1]))])[..., :n]


def same_signal(out: Batch, row: int, wanted: np.ndarray) -> None:
    """The clip is this, as long as this, and nothing lies behind it."""
    assert int(out.lengths[row]) == wanted.shape[-1]
    np.testing.assert_allclose(out.values[row].numpy(), long_as(wanted, out.values.shape[-1]), rtol=1e-5, atol=1e-6)


def same_labels(out: Batch, row: int, batch: Batch, partner: int, rule: str, share: float = 0.5) -> None:
    """What is known about the mixture is what follows from its two clips."""
    assert float(out.weights[row]) == _close(share * batch.weights[row] + (1 - share) * batch.weights[partner])
    assert out.ids == batch.ids and out.origins.tolist() == batch.origins.tolist()
    for c in range(N_CLASSES):
        heard = [i for i, part in ((row, share), (partner, 1 - share)) if part > 0]
        known = [i for i in heard if batch.known[i, c]]
        claims = [float(batch.targets[i, c]) for i in known]
        certain = rule == "union" and 1.0 in claims
        assert bool(out.known[row, c]) == (known == heard or certain)
        if out.known[row, c] and rule == "union":
            assert float(out.targets[row, c]) == max(claims)
        elif out.known[row, c]:
            wanted = share * batch.targets[row, c] + (1 - share) * batch.targets[partner, c]
            assert float(out.targets[row, c]) == _close(wanted)


def _close(number: torch.Tensor) -> Any:
    return pytest.approx(float(number), abs=1e-6)
