"""Signal and padding for any number of axes."""

from __future__ import annotations

import torch

from earmark.dsp.padding import padding_zeroed, signal_of


def test_padding_becomes_zero_even_where_it_is_not_a_number():
    values = torch.full((2, 3, 4), float("nan"))
    values[0, :, :4] = 1.0
    values[1, :, :2] = 2.0
    clean = padding_zeroed(values, torch.tensor([4, 2]))
    assert bool(clean.isfinite().all())
    assert clean.sum() == 3 * 4 * 1.0 + 3 * 2 * 2.0


def test_mask_broadcasts_against_waves_and_pictures():
    lengths = torch.tensor([0, 5])
    assert signal_of(torch.zeros(2, 5), lengths).tolist() == [[False] * 5, [True] * 5]
    assert signal_of(torch.zeros(2, 1, 7, 5), lengths).shape == (2, 1, 1, 5)
