"""What every system is: a value whose outline writes a plan, stage by stage.

Settings of a system are the choices that its source made, or left open, between whole stages; the settings within a
stage are those of its recipe, which lies under ``earmark/recipes`` and has the source's values.
"""

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from earmark.core.family import Member
from earmark.data.folds.folds import Folds
from earmark.data.sources.source import Source

if TYPE_CHECKING:
    from earmark.stages.sequence.plan import Plan


class System(Member, ABC, family="system"):
    """A system, published or earmark's own, as a sequence of stages, from a data folder to scored taggers."""

    seed: int = 1
    """Names every random number of every training, and those of stratified folds."""
    source: Source | None = None
    """How the data folder is laid out; null: found out by looking."""
    folds: Folds | None = None
    """How the training part is split; null: the folds that the data give, else five stratified ones."""

    @abstractmethod
    def outline(self, plan: "Plan") -> None:
        """Write the stages down, in their order.

        Raises:
            SettingsError: something does not fit together.
        """
