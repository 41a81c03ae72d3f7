"""What one run learns from, what judges it, and what it reports on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from earmark.core.errors import DataError
from earmark.core.fingerprint import fingerprint
from earmark.core.manifest import Manifest
from earmark.data.clips import Clips
from earmark.data.store import Store


@dataclass(frozen=True, eq=False)
class Parts:
    """The clips of one run by what they are for."""

    training: Clips
    held_out: Clips | None
    test: Clips | None

    @property
    def held_out_name(self) -> str:
        """A name for the clips that are held out; empty where none are."""
        return fingerprint(sorted(self.held_out.ids)) if self.held_out else ""


def divide(manifest: Manifest, store: Store, fold: int | None, origins: Sequence[str]) -> Parts:
    """What a run learns from, what it is judged by, and what it reports on.

    Clips of a held-out fold are not learnt from, whatever their origin; judged are its curated clips.

    Raises:
        DataError: there is no such fold, or nothing to learn from.
    """
    train = manifest.where(part="train", origin=list(origins))
    held_out = None
    if fold is not None:
        folds = sorted(set(manifest.where(part="train", origin="curated").clips["fold"].drop_nulls()))
        if fold not in folds:
            raise DataError(f"there is no fold {fold}; the curated clips have folds {', '.join(map(str, folds))}")
        held_out = Clips.of(manifest.where(part="train", origin="curated", fold=fold), store)
        train = train.where(pl.col("fold").is_null() | (pl.col("fold") != fold))
    if not len(train):
        raise DataError("no clip is left to learn from; check the origins of the streams and the fold")
    if not manifest.classes:
        raise DataError("the data name no class, so there is nothing to learn; give labels, or a vocabulary")
    if held_out is not None and not (held_out.targets * held_out.known).any():
        raise DataError(f"no clip of fold {fold} has a label, so it can judge nothing; hold out another fold")
    test = manifest.where(part="test")
    return Parts(Clips.of(train, store), held_out, Clips.of(test, store) if len(test) else None)
