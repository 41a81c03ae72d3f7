from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark.data.buckets import buckets, wasted

lengths_of_clips = st.lists(st.integers(0, 2000), max_size=60)
limits = st.fixed_dictionaries(
    {
        "most_clips": st.integers(1, 20),
        "most_samples": st.integers(1, 20000),
        "waste": st.floats(0, 0.99, allow_nan=False),
    }
)


@given(lengths_of_clips, limits)
def test_every_clip_is_in_one_batch_and_no_batch_breaks_a_bound(lengths, limits):
    batches = buckets(lengths, **limits)
    assert sorted(i for batch in batches for i in batch.tolist()) == list(range(len(lengths)))
    for batch in batches:
        own = [lengths[i] for i in batch]
        padded = max(own) * len(own)
        assert 1 <= len(own) <= limits["most_clips"]
        assert len(own) == 1 or padded <= limits["most_samples"]
        assert padded - sum(own) <= limits["waste"] * padded + 1e-9
    assert 0 <= wasted(lengths, batches) <= limits["waste"] + 1e-9


@given(lengths_of_clips, limits)
def test_the_longest_come_first(lengths, limits):
    batches = buckets(lengths, **limits)
    in_order = [lengths[i] for batch in batches for i in batch]
    assert in_order == sorted(lengths, reverse=True)


@given(lengths_of_clips)
def test_without_waste_only_equal_lengths_are_together(lengths):
    batches = buckets(lengths, most_clips=100, most_samples=10**9, waste=0)
    assert len(batches) == len(set(lengths))
    assert wasted(lengths, batches) == 0


def test_batches_are_filled_where_the_bounds_allow_it():
    assert [len(b) for b in buckets([100] * 70, most_clips=32, most_samples=10**9)] == [32, 32, 6]
    assert [len(b) for b in buckets([100] * 70, most_clips=64, most_samples=1000)] == [10] * 7
    assert [b.tolist() for b in buckets([5, 5000], most_samples=100)] == [[1], [0]]


def test_arrays_serve_as_well_and_no_clips_make_no_batches():
    assert [b.tolist() for b in buckets(np.array([3, 10, 10, 4]), most_samples=100, waste=0.15)] == [[1, 2], [3, 0]]
    assert buckets([], most_samples=100) == [] and wasted([], []) == 0
    assert wasted([5, 10], [np.array([0, 1])]) == pytest.approx(0.25)
