"""Pictures read at other rows, against numpy."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from earmark.dsp.warping import in_bands


@pytest.mark.parametrize(("came", "wanted"), [(1, 4), (4, 1), (5, 9), (20, 128), (129, 40), (7, 7)])
def test_rows_lie_on_straight_lines_between_those_there_were(came, wanted):
    values = np.random.default_rng(came).standard_normal((2, 3, came, 11)).astype(np.float32)
    at = np.linspace(0, came - 1, wanted)
    theirs = np.apply_along_axis(lambda column: np.interp(at, np.arange(came), column), 2, values)
    ours = in_bands(torch.from_numpy(values), wanted)
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)


def test_frames_are_not_mixed():
    values = torch.randn(1, 1, 5, 40, generator=torch.Generator().manual_seed(0))
    values[..., 17:] = 0.0
    made = in_bands(values, 9)
    assert not made[..., 17:].any()
    torch.testing.assert_close(made[..., :17], in_bands(values[..., :17], 9), rtol=0, atol=0)
