"""One division into a few unequal parts, for example to train, to choose and to check."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from earmark.core.manifest import Manifest
from earmark.data.folds.folds import Folds
from earmark.data.folds.stratification import stratified


class Holdout(Folds, kind="holdout"):
    """Folds 0, 1, 2, ... in a given ratio, iteratively stratified over labels like equal folds are.

    Fold 0 alone is learnt from: while one of the others is held out, the rest are put aside and may choose.
    """

    ratio: Annotated[tuple[Annotated[float, Field(gt=0)], ...], Field(min_length=2)] = (8, 1, 1)
    """The sizes of the folds relative to one another."""
    seed: int = 0
    """Another seed gives another division, as good."""

    def split(self, manifest: Manifest) -> dict[str, int]:
        """The fold of each training clip.

        Raises:
            DataError: a fold would be empty.
        """
        return stratified(manifest, [size / sum(self.ratio) for size in self.ratio], self.seed)

    def to_hold_out(self, numbers: Sequence[int]) -> list[int]:
        """All but the first, which is there to be learnt from."""
        return [number for number in numbers if number > 0]

    def aside(self, fold: int, numbers: Sequence[int]) -> list[int]:
        """All but the first and the one that is held out."""
        return [number for number in numbers if number not in (0, fold)]
