"""What every schedule is: a function of the place in the training, without memory.

A place is counted in steps of the optimizer, so that laws of steps are exact, and is also given in epochs: published
schedules state their periods in epochs ("restart every 64"), and such a period must not stretch when somebody trains
longer. A schedule that answers to how the training goes reads the rows of the epochs that are over, which the training
keeps anyway, so that it needs no state of its own and a resumed training sees the same rates.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import Field

from earmark.core.family import Member


@dataclass(frozen=True)
class Place:
    """How far a training is.

    >>> Place(step=30, steps_per_epoch=20, n_epochs=4).epoch
    1.5
    """

    step: int
    """Steps that are over, in [0, n_steps]."""
    steps_per_epoch: int
    n_epochs: int
    history: Sequence[Mapping[str, Any]] = ()
    """One row for each epoch that is over: ``epoch``, ``total`` and, where it was scored, the score that is watched."""

    @property
    def epoch(self) -> float:
        """Epochs that are over, with fractions."""
        return self.step / self.steps_per_epoch

    @property
    def n_steps(self) -> int:
        """Steps of the whole training."""
        return self.n_epochs * self.steps_per_epoch


class Schedule(Member, ABC, family="schedule"):
    """A factor of the learning rate over the training."""

    @abstractmethod
    def __call__(self, place: Place) -> float:
        """The factor, 0 or more, of the step that follows a place."""

    def cycle_ends(self, n_epochs: int, steps_per_epoch: int) -> tuple[int, ...]:
        """Epochs after which a cycle is over and a snapshot is worth keeping; the last epoch is always one."""
        return (n_epochs,)

    def cycle_end(self, number: int) -> float | None:
        """The epochs that are over when a cycle ends, counted from 1; none where there are no cycles in epochs."""
        return None

    @property
    def watches(self) -> Literal["train_loss", "score"] | None:
        """What of the history it answers to; most answer to nothing."""
        return None


def watched_score(row: Mapping[str, Any]) -> float | None:
    """The score of an epoch that is watched: of clips that were put aside, where there are some, else of held-out ones.

    >>> watched_score({"held_out_lwlrap": 0.5}), watched_score({"put_aside_lwlrap": 0.4}), watched_score({})
    (0.5, 0.4, None)
    """
    found: float | None = row.get("put_aside_lwlrap", row.get("held_out_lwlrap"))
    return found


class Warmed(Schedule, ABC):
    """A schedule that may start low: over the warm-up its law is multiplied by a factor that rises to 1."""

    warmup_epochs: float = Field(0.0, ge=0)
    """Epochs of linear rise, from a twentieth to the whole of what the law says."""

    def __call__(self, place: Place) -> float:
        return warmth(place.epoch, self.warmup_epochs) * self.law(place)

    @abstractmethod
    def law(self, place: Place) -> float:
        """The factor without the warm-up."""


def warmth(epoch: float, warmup_epochs: float) -> float:
    """Linear from a twentieth to 1 (P. Goyal et al., 2017); a first step at 0 would be none."""
    return 0.05 + 0.95 * epoch / warmup_epochs if epoch < warmup_epochs else 1.0
