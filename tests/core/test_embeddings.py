"""Laws of embeddings: rows go by name, what is not finite stays outside, a table holds all of it."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earmark.core.embeddings import Embeddings
from earmark.core.errors import DataError

IDS = ("a.wav", "b.wav", "c.wav")


def embeddings(ids: tuple[str, ...] = IDS, n_dims: int = 4, **facts: object) -> Embeddings:
    vectors = np.random.default_rng(0).normal(size=(len(ids), n_dims)).astype(np.float32)
    return Embeddings(ids, vectors, facts)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.permutations(IDS), st.integers(0, 3))
def test_alignment_goes_by_name(ids: list[str], n: int) -> None:
    whole = embeddings(fold=2)
    part = whole.aligned(ids).aligned(ids[:n])
    assert part.ids == tuple(ids[:n]) and part.fold == 2 and len(part) == n
    for row, name in enumerate(part.ids):
        assert np.array_equal(part.vectors[row], whole.vectors[IDS.index(name)])


@pytest.mark.parametrize("ids", [IDS, ()])
def test_a_table_holds_all_of_it(ids: tuple[str, ...]) -> None:
    one = embeddings(ids, run="x", fold=0)
    other = Embeddings.from_table(one.to_table(), one.facts)
    assert other.ids == one.ids and other.provenance == one.provenance
    assert other.vectors.dtype == np.float32 and other.vectors.shape == one.vectors.shape
    assert np.array_equal(other.vectors, one.vectors)


def test_lists_of_others_are_understood_or_refused() -> None:
    table = pl.DataFrame({"fname": ["a", "b"], "vector": [[1, 2], [3, 4]]})
    assert Embeddings.from_table(table).vectors.tolist() == [[1, 2], [3, 4]]
    assert Embeddings.from_table(table).fold is None
    with pytest.raises(DataError, match="need a column 'vector'"):
        Embeddings.from_table(table.rename({"vector": "v"}))
    with pytest.raises(DataError, match="must hold lists of numbers, but it holds String"):
        Embeddings.from_table(table.with_columns(vector=pl.lit("x")))
    with pytest.raises(DataError, match="vectors of one length were wanted"):
        Embeddings.from_table(pl.DataFrame({"fname": ["a", "b"], "vector": [[1.0], [1.0, 2.0]]}))


@pytest.mark.parametrize(
    ("ids", "vectors", "fault"),
    [
        (("a",), np.zeros((2, 3), np.float32), "1 clips need as many vectors"),
        (("a",), np.zeros((1, 3)), "got float64 of shape"),
        (("a", "a"), np.zeros((2, 3), np.float32), "'a' comes 2 times"),
        (("a", "b"), np.array([[1], [np.nan]], np.float32), "1 vectors are not finite, first that of clip 'b'"),
    ],
)
def test_what_is_no_embedding_is_refused(ids: tuple[str, ...], vectors: np.ndarray, fault: str) -> None:
    with pytest.raises(DataError, match=fault):
        Embeddings(ids, vectors)


def test_who_is_not_there_is_named() -> None:
    with pytest.raises(DataError, match=r"no vector of clip 'd.wav' and 1 more"):
        embeddings().aligned(["a.wav", "d.wav", "e.wav"])
