"""What every way of choosing folds is: a value that maps the training clips of a manifest to folds.

Folds count from 0. Clips of the test part belong to none. ``manifest.folded(folds.split(manifest))`` writes them down.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING

from earmark.core.family import Member

if TYPE_CHECKING:
    from earmark.core.manifest import Manifest


class Folds(Member, ABC, family="folds"):
    """A way of choosing folds; clips of one group always share theirs, and row order plays no part."""

    @abstractmethod
    def split(self, manifest: "Manifest") -> dict[str, int]:
        """The fold of each training clip by its id.

        Raises:
            DataError: the clips cannot be divided so.
        """

    def to_hold_out(self, numbers: Sequence[int]) -> list[int]:
        """The folds that may be held out in turn, of those that there are."""
        return list(numbers)

    def aside(self, fold: int, numbers: Sequence[int]) -> list[int]:
        """The folds that are not learnt from either while this one is held out."""
        return []
