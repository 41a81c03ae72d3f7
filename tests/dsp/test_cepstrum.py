"""The cosine transform against scipy."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.fft
import torch

from earmark.dsp.cepstrum import cosines, lifter


@pytest.mark.parametrize("ortho", [True, False])
@pytest.mark.parametrize(("n_bands", "n_coefficients"), [(1, 1), (2, 2), (40, 13), (128, 128)])
def test_it_is_the_transform_of_scipy(n_bands, n_coefficients, ortho):
    values = np.random.default_rng(n_bands).standard_normal((3, n_bands, 7))
    theirs = scipy.fft.dct(values, axis=-2, type=2, norm="ortho" if ortho else None)[:, :n_coefficients]
    ours = cosines(n_bands, n_coefficients, ortho).double() @ torch.from_numpy(values)
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)


def test_all_orthogonal_rows_keep_lengths():
    rows = cosines(64, 64)
    torch.testing.assert_close(rows @ rows.T, torch.eye(64), rtol=0, atol=1e-6)


def test_no_lifter_weighs_nothing():
    assert torch.equal(lifter(5, 0.0), torch.ones(5))
    assert float(lifter(22, 22.0).argmax()) == 10  # In the middle of its sine.
