"""Parity of trimming with librosa, and independence of how the clip is cut into blocks."""

from __future__ import annotations

import librosa
import numpy as np
import pytest

from earmark.data.trimming import Ends


def found(signal: np.ndarray, block: int, trim_db: float) -> tuple[int, int]:
    ends = Ends()
    for start in range(0, len(signal), block):
        ends.add(signal[start : start + block])
    return ends.found(trim_db)


@pytest.mark.parametrize("n_samples", [1, 511, 512, 513, 2047, 5000, 30000])
@pytest.mark.parametrize("trim_db", [10.0, 30.0, 60.0])
def test_bounds_are_those_of_librosa_however_the_clip_is_cut(n_samples: int, trim_db: float) -> None:
    rng = np.random.default_rng(n_samples)
    swell = np.sin(np.linspace(0, np.pi, n_samples)) ** 8 + 1e-5
    signal = (rng.standard_normal(n_samples) * swell).astype(np.float32)
    expected = tuple(librosa.effects.trim(signal, top_db=trim_db)[1])
    assert {found(signal, block, trim_db) for block in (n_samples, 100, 512, 4097)} == {expected}


def test_a_clip_of_zeros_is_kept_whole_as_librosa_keeps_it() -> None:
    zeros = np.zeros(5000, np.float32)
    assert found(zeros, 5000, 60.0) == tuple(librosa.effects.trim(zeros, top_db=60)[1]) == (0, 5000)
