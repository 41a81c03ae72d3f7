"""What every average is: how far it moves towards the weights after each step."""

from abc import ABC, abstractmethod
from typing import Any

from pydantic import Field

from earmark.core.family import Member
from earmark.schedules.schedule import Place


class Average(Member, ABC, family="average"):
    """An average of weights over the steps, kept for use."""

    refresh_batches: int = Field(0, ge=0)
    """Batches over which batch-norm statistics are taken anew for the averaged weights whenever these are used (to
    score, for a snapshot, for the tagger); 0 uses the average of the statistics."""

    @abstractmethod
    def share(self, place: Place, n_taken: int) -> float:
        """How far the average moves towards the weights, in [0, 1].

        Args:
            place: where the training is; its last step is the one that has just been made.
            n_taken: how often the average has moved before.
        """


def average_from(value: Any) -> Any:
    """A plain number is the decay of a moving average."""
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    return {"kind": "ema", "decay": value} if plain else value
