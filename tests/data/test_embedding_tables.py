"""Embeddings as files: bit for bit what was saved, or a sentence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from earmark.core.embeddings import Embeddings
from earmark.core.errors import DataError
from earmark.data.tables import read_embeddings, write_embeddings


@pytest.mark.parametrize("n", [0, 1, 5])
def test_saved_embeddings_come_back(tmp_path: Path, n: int) -> None:
    vectors = np.random.default_rng(0).normal(size=(n, 3)).astype(np.float32)
    one = Embeddings(tuple(f"{i}.wav" for i in range(n)), vectors, {"run": "x", "fold": 1, "without": []})
    write_embeddings(one, tmp_path / "deep" / "e.parquet")
    other = read_embeddings(tmp_path / "deep" / "e.parquet")
    assert other.ids == one.ids and other.provenance == one.provenance and other.fold == 1
    assert np.array_equal(other.vectors, one.vectors) and other.vectors.shape == (n, 3)


def test_what_is_no_file_of_embeddings_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"end in \.parquet, got"):
        write_embeddings(Embeddings((), np.zeros((0, 2), np.float32)), tmp_path / "e.csv")
    with pytest.raises(DataError, match="there is no"):
        read_embeddings(tmp_path / "e.parquet")
    (tmp_path / "e.parquet").write_bytes(b"PAR1 nothing")
    with pytest.raises(DataError, match="damaged or no parquet file"):
        read_embeddings(tmp_path / "e.parquet")
