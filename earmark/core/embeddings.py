"""Vectors of clips, with where they come from.

Rows are clips named by ids; nothing depends on their order. The dimensions of one network mean nothing in another, so
vectors of several networks are several values. NaN and infinities are refused at the door.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from earmark.core.errors import DataError
from earmark.core.settings import nearest

ID_COLUMN = "fname"
VECTOR_COLUMN = "vector"


@dataclass(frozen=True, eq=False)
class Embeddings:
    """One vector a clip, all of one space.

    Args:
        ids: one name a row, each once.
        vectors: [clips, dims], float32.
        provenance: what made them; ``fold``, where it is there, is the fold that the network never saw.

    Raises:
        DataError: shapes that do not fit, another type, a name given twice, or a number that is not finite.
    """

    ids: tuple[str, ...]
    vectors: NDArray[np.float32]
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.vectors.ndim != 2 or len(self.vectors) != len(self.ids) or self.vectors.dtype != np.float32:
            raise DataError(
                f"{len(self.ids)} clips need as many vectors of float32, [clips, dims], got {self.vectors.dtype} of "
                f"shape {list(self.vectors.shape)}"
            )
        if len(set(self.ids)) != len(self.ids):
            twice = next(name for name in self.ids if self.ids.count(name) > 1)
            raise DataError(f"each clip must be named once, but '{twice}' comes {self.ids.count(twice)} times")
        bad = ~np.isfinite(self.vectors).all(axis=1)
        if bad.any():
            raise DataError(
                f"{int(bad.sum())} vectors are not finite, first that of clip '{self.ids[int(bad.argmax())]}'; "
                "embed these clips again"
            )

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def fold(self) -> int | None:
        """The fold that the network never saw; none where nobody says so."""
        found = self.provenance.get("fold")
        return None if found is None else int(found)

    def aligned(self, ids: Sequence[str]) -> Embeddings:
        """The rows of these clips, in the order asked for.

        Raises:
            DataError: a clip without a vector, by name.
        """
        place = {name: row for row, name in enumerate(self.ids)}
        absent = [name for name in ids if name not in place]
        if absent:
            more = f" and {len(absent) - 1} more" if len(absent) > 1 else ""
            raise DataError(f"there is no vector of clip '{absent[0]}'{more}; {nearest(absent[0], self.ids[:200])}")
        return replace(self, ids=tuple(ids), vectors=self.vectors[[place[name] for name in ids]])

    def to_table(self) -> pl.DataFrame:
        """A table with a column of ids and one of vectors."""
        vectors = pl.Series(VECTOR_COLUMN, self.vectors, dtype=pl.Array(pl.Float32, self.vectors.shape[1]))
        return pl.DataFrame({ID_COLUMN: pl.Series(list(self.ids), dtype=pl.String), VECTOR_COLUMN: vectors})

    @property
    def facts(self) -> dict[str, str]:
        """What the table cannot say itself, as text by name."""
        return {"provenance": json.dumps(dict(self.provenance), default=str)}

    @classmethod
    def from_table(cls, table: pl.DataFrame, facts: Mapping[str, str] | None = None) -> Embeddings:
        """Read what `to_table` wrote, or any table with a column ``fname`` and one of lists of numbers, ``vector``.

        Raises:
            DataError: a column is missing, or vectors differ in length.
        """
        for name in (ID_COLUMN, VECTOR_COLUMN):
            if name not in table.columns:
                raise DataError(f"embeddings need a column '{name}', got {table.columns[:4]}")
        column = table[VECTOR_COLUMN]
        if not isinstance(column.dtype, pl.List | pl.Array):
            raise DataError(f"column '{VECTOR_COLUMN}' must hold lists of numbers, but it holds {column.dtype}")
        if isinstance(column.dtype, pl.Array):
            n_dims = column.dtype.size
        else:
            lengths = column.list.len().unique()
            if len(lengths) > 1 or column.null_count():
                raise DataError(f"vectors of one length were wanted, but column '{VECTOR_COLUMN}' has several")
            n_dims = int(lengths[0]) if len(lengths) else 0
        numbers = column.explode(empty_as_null=False) if len(column) else pl.Series(values=[], dtype=pl.Float32)
        return cls(
            ids=tuple(table[ID_COLUMN].cast(pl.String).to_list()),
            vectors=numbers.cast(pl.Float32).to_numpy().reshape(len(column), n_dims),
            provenance=json.loads((facts or {}).get("provenance", "{}")),
        )
