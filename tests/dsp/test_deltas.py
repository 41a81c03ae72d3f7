"""Derivatives along time against scipy and by what they mean."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.signal
import torch

from earmark.dsp.deltas import derivative_taps, filtered, held


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("width", [3, 5, 9, 31])
def test_taps_are_those_of_scipy(width, order):
    theirs = scipy.signal.savgol_coeffs(width, polyorder=order, deriv=order, use="dot")
    np.testing.assert_allclose(derivative_taps(width, order), theirs, atol=1e-12)


@pytest.mark.parametrize("width", [3, 9])
def test_of_a_parabola_they_are_its_derivatives(width):
    time = torch.arange(-20.0, 20.0, dtype=torch.float64)
    inside = slice(width // 2, -(width // 2))
    line, parabola = 3.0 * time - 1.0, 0.5 * time.square() - time
    torch.testing.assert_close(filtered(line, derivative_taps(width, 1)), torch.full_like(time, 3.0)[inside])
    torch.testing.assert_close(filtered(parabola, derivative_taps(width, 1)), (time - 1.0)[inside])
    torch.testing.assert_close(filtered(parabola, derivative_taps(width, 2)), torch.ones_like(time)[inside])


def test_each_clip_is_held_at_its_own_ends():
    values = torch.tensor([[1.0, 2.0, 3.0], [4.0, 0.0, 0.0]]).view(2, 1, 1, 3)
    longer = held(values, 2, torch.tensor([3, 1]))
    assert longer[0].flatten().tolist() == [1, 1, 1, 2, 3, 3, 3]
    assert longer[1].flatten().tolist() == [4] * 7
