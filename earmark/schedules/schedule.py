"""What every schedule is: a function of the place in the training, without memory.

The place is given in epochs, with fractions, beside the number of epochs: published schedules state their periods
in epochs ("restart every 64"), and such a period must not stretch when somebody trains longer.
"""

from abc import ABC, abstractmethod

from earmark.core.family import Member


class Schedule(Member, ABC, family="schedule"):
    """A factor of the learning rate over the training."""

    @abstractmethod
    def __call__(self, epoch: float, n_epochs: int) -> float:
        """The factor, 0 or more, at a place in [0, n_epochs]."""

    def cycle_ends(self, n_epochs: int) -> tuple[int, ...]:
        """Epochs after which a cycle is over and a snapshot is worth keeping; the last epoch is always one."""
        return (n_epochs,)
