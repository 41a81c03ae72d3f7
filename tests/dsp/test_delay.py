"""Delays: clip by clip, on either path."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from earmark.dsp.delay import _copied, _gathered, delayed


@pytest.mark.parametrize("shape", [(7, 9), (7, 2, 3, 9)])
@pytest.mark.parametrize("way", [delayed, _copied, _gathered])
def test_every_clip_begins_where_it_should_and_is_cut_at_both_ends(shape, way):
    values = torch.rand(shape, generator=torch.Generator().manual_seed(0)) + 1
    lengths, starts = torch.tensor([9, 4, 4, 1, 9, 9, 5]), torch.tensor([0, 3, -2, 8, 9, -20, -5])
    moved = way(values, lengths, starts).numpy()
    for row, (length, start) in enumerate(zip(lengths.tolist(), starts.tolist(), strict=True)):
        wanted = np.zeros(shape[1:], np.float32)
        for i in range(length):
            if 0 <= i + start < 9:
                wanted[..., i + start] = values[row, ..., i].numpy()
        np.testing.assert_array_equal(moved[row], wanted)
