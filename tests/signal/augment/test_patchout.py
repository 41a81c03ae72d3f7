"""Patches hidden singly, in rows and in columns: how many, where, and by what."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from earmark.core.batch import Batch, signal_mask, waves
from earmark.core.errors import SettingsError
from earmark.core.settings import read
from earmark.signal.augment.spectrogram.patchout import Patchout
from earmark.signal.step import Spec

RATE_HZ = 10.0
BANDS, FRAMES = 4, 5
"""Of a patch; pictures have 10 bands, so three rows, the highest of two bands."""


def pictures(lengths: tuple[int, ...], domain: str = "power") -> Batch:
    found = torch.tensor(lengths)
    shape = (len(lengths), 2, 10, max(lengths))
    values = 1 + torch.rand(shape, generator=torch.Generator().manual_seed(0))
    values = values * signal_mask(found, max(lengths))[:, None, None]
    return waves(values, found, RATE_HZ, tuple(map(str, range(len(lengths)))), 1).changed(domain=domain)


def step_of(**settings: float | str) -> Patchout:
    return read(Patchout, {"p": 1, "patch_bands": BANDS, "patch_s": FRAMES / RATE_HZ, "patch_share": 0, **settings})


def hidden_patches(batch: Batch, step: Patchout, seed: int = 0) -> list[np.ndarray]:
    """For each clip which patches are hidden [rows, columns]; every patch is hidden as a whole, in all channels."""
    out = step.apply(batch, step.draw(batch, torch.Generator().manual_seed(seed)))
    found = []
    for i, n in enumerate(batch.lengths.tolist()):
        came, went = batch.values[i, ..., :n].numpy(), out.values[i, ..., :n].numpy()
        grid = np.zeros((3, -(-n // FRAMES)), dtype=bool)
        for row, column in np.ndindex(*grid.shape):
            here = np.s_[row * BANDS : (row + 1) * BANDS, column * FRAMES : (column + 1) * FRAMES]
            patch = went[:, *here] == 0
            assert patch.all() or not patch.any()
            assert np.array_equal(went[:, *here], came[:, *here] * ~patch)
            grid[row, column] = patch.all()
        assert not out.values[i, ..., n:].any()
        found.append(grid)
    return found


def test_a_fixed_share_of_each_clips_own_patches_is_hidden():
    batch = pictures((50, 23, 5, 1) * 40)
    found = hidden_patches(batch, step_of(patch_share=0.3))
    for grid in found:
        assert grid.sum() == int(0.3 * grid.size + 1e-9)
    for length, columns in ((50, 10), (23, 5)):
        grids = [grid for grid, n in zip(found, batch.lengths.tolist(), strict=True) if n == length]
        assert np.mean(grids, axis=0) == pytest.approx(np.full((3, columns), 0.3), abs=0.31)
        assert (np.sum(grids, axis=0) > 0).all()


def test_rows_are_hidden_over_the_whole_length():
    found = hidden_patches(pictures((50, 23, 1) * 40), step_of(n_rows=2))
    assert all(grid.all(axis=1).sum() == 2 and grid.sum() == 2 * grid.shape[1] for grid in found)
    assert {tuple(np.flatnonzero(grid.all(axis=1)).tolist()) for grid in found} == {(0, 1), (0, 2), (1, 2)}


def test_a_share_of_columns_is_hidden_over_all_bands():
    found = hidden_patches(pictures((50, 23, 1) * 40), step_of(column_share=0.4))
    assert all(grid.all(axis=0).sum() == int(0.4 * grid.shape[1]) and grid.sum() % 3 == 0 for grid in found)
    assert np.any(found[::3], axis=0).all()


def test_what_is_hidden_adds_up():
    (grid,) = hidden_patches(pictures((50,)), step_of(patch_share=0.2, n_rows=1, column_share=0.3))
    assert grid.all(axis=1).sum() >= 1 and grid.all(axis=0).sum() >= 3
    assert 10 + 9 - 3 <= grid.sum() <= 10 + 9 - 3 + 6


def test_p_says_how_many_are_masked():
    found = hidden_patches(pictures((20,) * 1000), step_of(p=0.3, n_rows=1))
    assert np.mean([grid.any() for grid in found]) == pytest.approx(0.3, abs=0.05)


def test_patches_are_filled_with_the_minimum_where_asked():
    batch = pictures((20, 8), "features")
    step = step_of(patch_share=0.5, fill="minimum")
    out = step.apply(batch, step.draw(batch, torch.Generator().manual_seed(0))).values
    for i, n in enumerate((20, 8)):
        changed = out[i] != batch.values[i]
        for channel in range(2):
            lowest = batch.values[i, channel, :, :n].min()
            assert bool((out[i, channel][changed[channel]] == lowest).all()) and changed[channel].any()
        assert not out[i, ..., n:].any()


def test_settings_without_meaning_are_refused():
    with pytest.raises(SettingsError, match="are all 0 and nothing is hidden"):
        read(Patchout, {"patch_share": 0})
    spec = Spec("power", RATE_HZ, 1, 10)
    with pytest.raises(SettingsError, match="patches of 16 bands are higher than the picture of 10"):
        Patchout().after(spec)
    with pytest.raises(SettingsError, match="hides 3 rows of patches, but the picture has only 3"):
        step_of(n_rows=3).after(spec)
    with pytest.raises(SettingsError, match=r"patches of 0\.05 s are narrower than a frame of 0\.1 s"):
        step_of(n_rows=1, patch_s=0.05).after(spec)
