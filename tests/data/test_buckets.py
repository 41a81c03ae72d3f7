from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark.data.buckets import buckets, patient_buckets, wasted

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


def patiently(lengths, *, most_clips, most_samples, most_batches, highest, step):
    """The rule as its source has it: a plain loop over sorted lengths for each patience."""
    order = sorted(range(len(lengths)), key=lambda i: lengths[i])
    for raised in range(round(highest / step) + 1):
        batches = []
        for i in order:
            fits = (
                batches
                and lengths[i] <= (1 + raised * step) * lengths[batches[-1][0]] + 1e-3
                and len(batches[-1]) < most_clips
                and lengths[i] * (len(batches[-1]) + 1) <= most_samples
            )
            if fits:
                batches[-1].append(i)
            else:
                batches.append([i])
        if len(batches) <= most_batches:
            break
    return batches[::-1]


@given(lengths_of_clips, st.integers(1, 20), st.integers(1, 20000), st.integers(0, 30))
def test_patience_is_raised_until_batches_are_few(lengths, most_clips, most_samples, most_batches):
    limits = {"most_clips": most_clips, "most_samples": most_samples, "most_batches": most_batches}
    found = patient_buckets(lengths, **limits)
    assert sorted(i for batch in found for i in batch.tolist()) == list(range(len(lengths)))
    assert [b.tolist() for b in found] == patiently(lengths, **limits, highest=0.2, step=0.01)
    for batch in found:
        own = [lengths[i] for i in batch]
        assert max(own) <= 1.2 * min(own) + 1e-2 and len(own) <= most_clips


def test_patience_stays_at_nothing_where_batches_are_few_enough():
    lengths = [100, 101, 100, 119]
    assert [b.tolist() for b in patient_buckets(lengths, most_samples=9999, most_batches=3)] == [[3], [1], [0, 2]]
    assert [b.tolist() for b in patient_buckets(lengths, most_samples=9999, most_batches=2)] == [[3], [0, 2, 1]]
    assert [b.tolist() for b in patient_buckets(lengths, most_samples=9999, most_batches=1)] == [[0, 2, 1, 3]]
    assert patient_buckets([], most_samples=10, most_batches=1) == []
