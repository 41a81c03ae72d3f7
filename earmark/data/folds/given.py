"""Folds that somebody chose before."""

import polars as pl

from earmark.core.errors import DataError
from earmark.core.manifest import Manifest
from earmark.data.folds.folds import Folds


class Given(Folds, kind="given"):
    """The folds that the manifest brings along; noisy and unlabelled clips may lack one and are then never held out."""

    def split(self, manifest: Manifest) -> dict[str, int]:
        """The fold of each training clip that has one.

        Raises:
            DataError: curated training clips without a fold, fewer than two folds, or a group in more than one.
        """
        train = manifest.where(part="train").clips
        lost = train.filter((pl.col("origin") == "curated") & pl.col("fold").is_null())
        if lost.height:
            raise DataError(
                f"each curated training clip needs a given fold, but {lost.height} lack it, first '{lost['id'][0]}'; "
                "complete the column of folds, or choose others with -s folds.kind=stratified"
            )
        folded = train.drop_nulls("fold")
        if folded["fold"].n_unique() < 2:
            raise DataError(
                "two or more folds were wanted, but the clips come with fewer; choose others with "
                "-s folds.kind=stratified"
            )
        split = folded.drop_nulls("group").group_by("group").agg(n=pl.col("fold").n_unique()).filter(pl.col("n") > 1)
        if split.height:
            name = split["group"].sort()[0]
            raise DataError(
                f"{split.height} groups (or files of several clips) lie in more than one of the given folds, first "
                f"'{name}'; mend the folds, or choose such as keep groups whole with -s folds.kind=stratified"
            )
        return dict(zip(folded["id"].to_list(), folded["fold"].to_list(), strict=True))
