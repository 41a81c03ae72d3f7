"""Folds of equal size with equal shares of every label."""

from typing import Annotated

from pydantic import Field

from earmark.core.manifest import Manifest
from earmark.data.folds.folds import Folds
from earmark.data.folds.stratification import stratified


class Stratified(Folds, kind="stratified"):
    """Equal folds, iteratively stratified over labels for each origin by itself (Sechidis et al. 2011)."""

    n_folds: Annotated[int, Field(ge=2)] = 5
    """How many folds."""
    seed: int = 0
    """Another seed gives another division, as good."""

    def split(self, manifest: Manifest) -> dict[str, int]:
        """The fold, from 0 to ``n_folds - 1``, of each training clip.

        Raises:
            DataError: there are fewer clips or groups than folds.
        """
        return stratified(manifest, [1 / self.n_folds] * self.n_folds, self.seed)
