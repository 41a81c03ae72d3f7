from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark.core.errors import DataError, SettingsError
from earmark.inference.pieces import pieces, slices, stream_pieces, stream_spans, stretch_pieces

windows = st.integers(1, 40)


def cut_up(n: int, cuts: list[int]) -> list[np.ndarray]:
    """The samples 0 to n in blocks; some of them may be empty."""
    return np.split(np.arange(n, dtype=np.float32), sorted(cut % (n + 1) for cut in cuts))


@given(st.integers(0, 500), windows)
def test_pieces_cover_a_clip_once_without_slivers(n, window):
    found = pieces(n, window)
    assert found[0][0] == 0 and sum(length for _, length in found) == n
    for (start, length), (following, _) in pairwise(found):
        assert start + length == following
    assert all(length <= window for _, length in found)
    if n > window:
        assert all(2 * length >= window - 1 for _, length in found)
    else:
        assert found == [(0, n)]


@given(st.integers(1, 300), windows, st.lists(st.integers(0, 1000), max_size=12))
def test_a_stream_is_cut_like_a_clip_however_it_comes_in_blocks(n, window, cuts):
    found = list(stream_pieces(cut_up(n, cuts), window))
    assert [(int(piece[0]), len(piece)) for piece in found] == pieces(n, window)
    assert np.array_equal(np.concatenate(found), np.arange(n))


@given(st.integers(0, 300), windows, windows, st.lists(st.integers(0, 1000), max_size=12))
def test_each_stretch_is_cut_like_a_clip_of_its_length(n, size, window, cuts):
    found = list(stretch_pieces(cut_up(n, cuts), size, window))
    lengths = [size] * (n // size) + [n % size] * (n % size > 0)
    assert [(number, len(piece)) for number, piece in found] == [
        (number, length) for number, whole in enumerate(lengths) for _, length in pieces(whole, window)
    ]
    assert not found or np.array_equal(np.concatenate([piece for _, piece in found]), np.arange(n))


def test_a_stretch_of_any_length_is_heard_as_it_comes():
    taken = []

    def blocks():
        for number in range(100):
            taken.append(number)
            yield np.zeros(10, np.float32)

    next(stretch_pieces(blocks(), 10**9, 20))
    assert len(taken) == 3


def test_a_silent_stream_has_no_pieces_and_an_empty_clip_one_empty_piece():
    assert list(stream_pieces([], 4)) == list(stream_pieces([np.zeros(0, np.float32)], 4)) == []
    assert pieces(0, 4) == [(0, 0)]


def test_a_stream_is_not_held_longer_than_it_must():
    taken = []

    def blocks():
        for number in range(100):
            taken.append(number)
            yield np.zeros(10, np.float32)

    found = stream_pieces(blocks(), 20)
    next(found)
    assert len(taken) == 3
    next(found)
    assert len(taken) == 5


def test_a_window_without_a_sample_is_refused():
    blocks = [np.zeros(3, np.float32)]
    for refused in (lambda: next(stream_pieces(blocks, 0)), lambda: next(stretch_pieces(blocks, 0, 2))):
        with pytest.raises(SettingsError, match="at least one sample"):
            refused()
    with pytest.raises(SettingsError, match="at least one sample"):
        pieces(3, 0)


@given(st.integers(1, 300), windows, st.integers(1, 40), st.sampled_from(["start", "end"]))
def test_slices_cover_a_clip_and_end_with_it(n, length, hop, where):
    found = slices(n, length, hop, where=where, most=None)
    if n <= length:
        assert found == [(0, n)]
        return
    assert all(size == length for _, size in found)
    starts = [start for start, _ in found]
    assert starts[0] == 0 and starts[-1] == n - length and starts == sorted(set(starts))
    assert all(following - start <= hop for start, following in pairwise(starts))
    other = slices(n, length, hop, where="end" if where == "start" else "start", most=None)
    assert [n - length - start for start in starts[::-1]] == [start for start, _ in other]


@given(
    st.integers(1, 300), st.lists(st.tuples(st.integers(0, 299), windows), max_size=12), st.lists(st.integers(0, 1000))
)
def test_spans_are_cut_out_of_a_stream_as_out_of_a_clip(n, wanted, cuts):
    spans = [(start, size) for start, size in wanted if start + size <= n]
    found = dict(stream_spans(cut_up(n, cuts), spans))
    assert sorted(found) == list(range(len(spans)))
    for place, (start, size) in enumerate(spans):
        assert np.array_equal(found[place], np.arange(start, start + size))


def test_a_stream_is_held_no_longer_than_its_spans_need():
    taken = []

    def blocks():
        for number in range(100):
            taken.append(number)
            yield np.zeros(10, np.float32)

    found = stream_spans(blocks(), [(5, 20), (900, 10)])
    next(found)
    assert len(taken) == 3
    with pytest.raises(DataError, match="the audio ends after 1000 samples"):
        list(stream_spans(blocks(), [(995, 10)]))
