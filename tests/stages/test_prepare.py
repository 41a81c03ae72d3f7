"""Folds that come with the clips are taken whole or not at all."""

from __future__ import annotations

import polars as pl
import pytest

from earmark.core.errors import DataError
from earmark.core.manifest import Manifest
from earmark.data.folds.stratified import Stratified
from earmark.stages.prepare import with_folds

IDS = [f"{i}" for i in range(8)]


def manifest(folds: list[int | None]) -> Manifest:
    clips = pl.DataFrame({"id": IDS, "file": IDS, "fold": folds}, schema_overrides={"fold": pl.Int64})
    return Manifest.of(clips, pl.DataFrame({"clip": IDS, "label": ["a", "b"] * 4}), classes=("a", "b"))


def test_given_folds_are_kept_and_missing_ones_are_chosen() -> None:
    given: list[int | None] = [3, 1, 1, 3, 3, 1, 3, 1]
    assert with_folds(manifest(given), None, 0).clips["fold"].to_list() == given
    assert not with_folds(manifest([None] * 8), None, 0).clips["fold"].has_nulls()


def test_folds_that_only_some_clips_bring_are_not_replaced_in_silence() -> None:
    half = manifest([0, 1, 0, 1, 0, None, None, 1])
    with pytest.raises(DataError, match=r"2 lack it, first '5'; complete the column .* -s folds\.kind=stratified"):
        with_folds(half, None, 0)
    assert with_folds(half, Stratified(n_folds=2), 0).clips["fold"].n_unique() == 2
