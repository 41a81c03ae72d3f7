"""Whether what a stage would make is there already: tables of the same clips by the same weights."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from earmark.data.tables import read_embeddings, read_predictions


def weights_name(weights: Path) -> str:
    """A short name of what is in a file of weights."""
    with weights.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


def is_table(path: Path, ids: Sequence[str], facts: Mapping[str, Any]) -> bool:
    """Whether a table of scores of these clips is there, made as the facts say."""
    if not path.is_file():
        return False
    there = read_predictions(path)
    return there.ids == tuple(ids) and dict(there.provenance) == facts


def is_space(path: Path, ids: Sequence[str], facts: Mapping[str, Any]) -> bool:
    """Whether a table of vectors of these clips is there, made as the facts say."""
    if not path.is_file():
        return False
    there = read_embeddings(path)
    return there.ids == tuple(ids) and dict(there.provenance) == facts
