"""The level of the loudest window, against a loop over windows."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from earmark.dsp.loudest import loudest_db


def loop(wave: np.ndarray, n_window: int, floor_db: float) -> float:
    starts = range(0, len(wave) - n_window + 1, n_window // 2) if len(wave) >= n_window else [0]
    squares = [np.mean(wave[start : start + n_window] ** 2) for start in starts]
    return max(floor_db, *(10 * math.log10(max(square, 1e-30)) for square in squares))


@pytest.mark.parametrize("n_window", [2, 8, 64, 4096])
def test_it_is_the_level_of_the_loudest_window(n_window):
    chance = torch.Generator().manual_seed(n_window)
    lengths = torch.tensor([1000, 999, 64, 63, 8, 7, 1])
    waves = torch.randn(7, 1000, generator=chance) * torch.logspace(-3, 0, 1000)
    waves = waves * (torch.arange(1000) < lengths[:, None])
    found = loudest_db(waves, lengths, n_window).tolist()
    for wave, length, level in zip(waves.double().numpy(), lengths.tolist(), found, strict=True):
        assert level == pytest.approx(loop(wave[:length], n_window, -80.0), abs=1e-4)


def test_silence_is_at_the_floor_and_full_scale_at_zero():
    waves = torch.stack([torch.zeros(32), torch.ones(32), torch.full((32,), 1e-3)])
    assert loudest_db(waves, torch.full((3,), 32), 8).tolist() == pytest.approx([-80, 0, -60], abs=1e-4)
    assert loudest_db(waves, torch.full((3,), 32), 8, floor_db=-50).tolist() == pytest.approx([-50, 0, -50])
