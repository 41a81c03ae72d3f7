"""Per-channel energy normalisation against librosa."""

from __future__ import annotations

import librosa
import numpy as np
import pytest
import torch

from earmark.dsp.pcen import pcen, smoothed, smoothing

MAGNITUDE = np.random.default_rng(2).random((2, 12, 211)) ** 8


@pytest.mark.parametrize("scale", [1.0, 2.0**31, 1e-6])
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"power": 0.0},
        {"power": 1.0, "bias": 0.1},
        {"gain": 0.5, "bias": 10.0, "power": 0.25, "eps": 1e-3},
        {"gain": 0.0},
    ],
)
@pytest.mark.parametrize("time_constant_frames", [0.01, 1.0, 51.0, 5000.0])
def test_it_is_what_librosa_gives(settings, scale, time_constant_frames):
    values = (MAGNITUDE * scale).astype(np.float32)
    theirs = librosa.pcen(values.astype(np.float64), sr=1, hop_length=1, time_constant=time_constant_frames, **settings)
    ours = pcen(torch.from_numpy(values), time_constant_frames, **settings)
    np.testing.assert_allclose(ours, theirs, rtol=3e-5, atol=1e-12)


def test_a_vanishing_time_constant_smooths_nothing():
    """Where the textbook form of the root is zero by zero."""
    assert smoothing(1e-12) == pytest.approx(1.0)
    values = torch.from_numpy(MAGNITUDE)
    torch.testing.assert_close(smoothed(values, smoothing(1e-12)), values)


def test_a_level_that_starts_with_the_first_frame_stays_there_while_nothing_changes():
    values = torch.full((1, 3, 50), 7.0)
    torch.testing.assert_close(smoothed(values, 0.02, "first"), values)
    rising = smoothed(values, 0.02, 0.0)
    assert bool((rising.diff(dim=-1) > 0).all())
    torch.testing.assert_close(rising[..., 0], torch.full((1, 3), 0.14))


def test_a_steady_tone_loses_its_level_and_an_onset_keeps_its_own():
    """What it is for: two bands at levels 80 dB apart become alike, and a step stands out of both."""
    steady = torch.tensor([1e2, 1e10]).view(1, 2, 1).repeat(1, 1, 600)
    steady[..., 500:] *= 10
    made = pcen(steady, 50.0, start="first")[0]
    assert float(made[1, 499] / made[0, 499]) < 1.4
    assert bool((made[:, 500] > 2 * made[:, 499]).all())
    assert bool((made[:, 599] < 0.7 * made[:, 500]).all())
