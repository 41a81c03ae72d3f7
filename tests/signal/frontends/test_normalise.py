"""Normalisation: whose statistics, and that they are right."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from earmark.core.batch import Batch, waves
from earmark.core.errors import RunError
from earmark.core.manifest import ORIGINS
from earmark.signal.frontends.moments import Moments
from earmark.signal.frontends.normalise import Normalise
from earmark.signal.step import Spec

SPEC = Spec("features", 100.0, 1, 4)


def pictures(lengths: list[int], origins: list[int], seed: int = 0, mean: float = -40.0) -> Batch:
    values = mean + 15 * torch.randn(len(lengths), 1, 4, max(lengths), generator=torch.Generator().manual_seed(seed))
    for i, length in enumerate(lengths):
        values[i, ..., length:] = 0.0
    found = waves(values, torch.tensor(lengths), 100.0, tuple(map(str, range(len(lengths)))), 1)
    return found.changed(origins=torch.tensor(origins), domain="features")


def frames(batches: list[Batch], origin: int | None = None) -> np.ndarray:
    """All signal frames side by side, [bands, frames], in float64."""
    return np.concatenate(
        [
            values[0, :, :length].double().numpy()
            for batch in batches
            for values, length, own in zip(batch.values, batch.lengths, batch.origins.tolist(), strict=True)
            if origin is None or own == origin
        ],
        axis=1,
    )


def fitted(step: Normalise, batches: list[Batch]) -> torch.nn.Module:
    module = step.build(SPEC)
    for batch in batches:
        module.update(batch)
    module.finish()
    return module


@pytest.mark.parametrize("per_band", [False, True])
def test_each_clip_by_its_own_signal(per_band):
    batch = pictures([30, 7], [0, 1])
    out = Normalise(per_band=per_band).build(SPEC)(batch)
    for i, length in enumerate([30, 7]):
        own = batch.values[i, 0, :, :length].double().numpy()
        axis = 1 if per_band else None
        theirs = (own - own.mean(axis, keepdims=True)) / (own.std(axis, keepdims=True) + 1e-7)
        np.testing.assert_allclose(out.values[i, 0, :, :length], theirs, rtol=1e-4, atol=1e-5)


def test_bands_may_have_means_of_their_own_and_one_deviation():
    batches = [pictures([30, 7, 12], [0, 1, 0]), pictures([5], [2], seed=1, mean=3.0)]
    batches = [batch.changed(values=batch.values * torch.tensor([1.0, 2, 3, 4])[:, None]) for batch in batches]
    every = frames(batches)
    module = fitted(Normalise(over="global", per_band="mean"), batches)
    apart = every - every.mean(1, keepdims=True)
    np.testing.assert_allclose(module.mean.squeeze(), every.mean(1), rtol=1e-6)
    assert module.std.numel() == 1
    expected = (frames(batches[1:]) - every.mean(1, keepdims=True)) / apart.std()
    np.testing.assert_allclose(module(batches[1]).values[0, 0], expected, rtol=1e-4, atol=1e-5)
    own = batches[0].values[1, 0, :, :7].double().numpy()
    own -= own.mean(1, keepdims=True)
    alone = Normalise(per_band="mean").build(SPEC)(batches[0]).values[1, 0, :, :7]
    np.testing.assert_allclose(alone, own / own.std(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("per_band", [False, True, "mean"])
@pytest.mark.parametrize("level", [0.0, -100.0, 12.3456789])
def test_a_clip_that_does_not_vary_becomes_zeros(level, per_band):
    batch = pictures([300, 1], [0, 0])
    batch = batch.changed(values=torch.full_like(batch.values, level))
    assert not Normalise(per_band=per_band).build(SPEC)(batch).values.any()


@pytest.mark.parametrize("per_band", [False, True])
def test_statistics_of_all_clips(per_band):
    batches = [pictures([30, 7, 12], [0, 1, 0]), pictures([5], [2], seed=1, mean=3.0)]
    module = fitted(Normalise(over="global", per_band=per_band), batches)
    axis = 1 if per_band else None
    every = frames(batches)
    np.testing.assert_allclose(module.mean.squeeze(), every.mean(axis), rtol=1e-6)
    np.testing.assert_allclose(module.std.squeeze(), every.std(axis), rtol=1e-6)
    out = module(batches[1]).values[0, 0]
    expected = (frames(batches[1:]) - every.mean(axis, keepdims=True)) / every.std(axis, keepdims=True)
    np.testing.assert_allclose(out, expected, rtol=1e-4, atol=1e-5)


def test_statistics_of_each_origin_and_of_all_for_one_that_was_not_seen():
    batches = [pictures([30, 7, 12], [0, 1, 0]), pictures([5, 9], [1, 0], seed=1, mean=3.0)]
    module = fitted(Normalise(over="origin"), batches)
    assert module.mean.shape == (len(ORIGINS), 1, 1, 1)
    for group, origin in enumerate([0, 1, None]):
        own = frames(batches, origin)
        np.testing.assert_allclose(float(module.mean[group]), own.mean(), rtol=1e-6)
        np.testing.assert_allclose(float(module.std[group]), own.std(), rtol=1e-6)


def test_learned_statistics_are_state_and_missing_ones_are_named():
    step, batch = Normalise(over="global"), pictures([30, 7], [0, 1])
    module = step.build(SPEC)
    with pytest.raises(RunError, match="no statistics of the training data yet; fit the view"):
        module(batch)
    with pytest.raises(RunError, match="got none"):
        module.finish()
    other = fitted(step, [batch])
    module.load_state_dict(other.state_dict())
    assert bool(module.fitted)
    assert torch.equal(module(batch).values, other(batch).values)


def test_learning_again_starts_anew():
    step = Normalise(over="global")
    module = fitted(step, [pictures([30], [0], mean=100.0)])
    module.update(pictures([20], [0], seed=1))
    module.finish()
    assert torch.equal(module.mean, fitted(step, [pictures([20], [0], seed=1)]).mean)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.lists(st.integers(1, 9), min_size=1, max_size=4), min_size=1, max_size=5), st.booleans())
def test_moments_in_pieces_are_moments_of_everything(lengths, per_band):
    """Around a mean so large that float32, or sums of plain squares, would keep nothing of the deviation."""
    batches = [pictures(each, [i % 2 for i in range(len(each))], seed=len(each)) for each in lengths]
    batches = [batch.changed(values=batch.values.double() * 1e-3 + 1e6) for batch in batches]
    found = None
    for batch in batches:
        more = Moments.of(batch.values, batch.lengths, batch.origins, 2, per_band)
        found = more if found is None else found.joined(more)
    whole = found.pooled()
    every = frames(batches)
    axis = 1 if per_band else None
    np.testing.assert_allclose(whole.mean.squeeze(), every.mean(axis), rtol=1e-12)
    np.testing.assert_allclose(whole.std.squeeze(), every.std(axis), rtol=1e-6, atol=1e-9)
    assert int(whole.n) == (every.shape[1] if per_band else every.size)
