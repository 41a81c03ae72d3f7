"""First-order recursions against a loop over frames."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from earmark.dsp.recursion import running_sum


def looped(values: np.ndarray, keep: float, before: np.ndarray) -> np.ndarray:
    made, level = np.empty_like(values), before
    for t in range(values.shape[-1]):
        made[..., t] = level = keep * level + values[..., t]
    return made


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 3000) | st.sampled_from([31, 32, 33, 1024, 1025]),
    st.floats(0, 1) | st.sampled_from([0.0, 1e-200, 0.999999, 1.0]),
    st.integers(0, 9),
)
def test_any_length_and_any_rate_of_forgetting_is_the_loop(n, keep, seed):
    chance = np.random.default_rng(seed)
    values, before = chance.standard_normal((2, 3, n)), chance.standard_normal((2, 3))
    made = running_sum(torch.from_numpy(values), keep, torch.from_numpy(before)[..., None])
    np.testing.assert_allclose(made, looped(values, keep, before), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("n", [1, 33, 70])
def test_gradients_are_those_of_finite_differences(n):
    values = torch.randn(2, n, dtype=torch.float64, generator=torch.Generator().manual_seed(n)).requires_grad_()
    before = torch.ones(2, 1, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x, y: running_sum(x, 0.9, y), (values, before))


def test_an_hour_of_frames_in_single_precision_stays_exact_to_five_digits():
    values = np.random.default_rng(0).random((1, 300_000))
    made = running_sum(torch.from_numpy(values).float(), 0.98, torch.ones(1, 1))
    np.testing.assert_allclose(made, looped(values, 0.98, np.ones(1)), rtol=1e-5)
