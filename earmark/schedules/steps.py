"""Falls at known epochs: every so many, or at milestones."""

import math

from pydantic import Field, field_validator

from earmark.schedules.schedule import Place, Warmed


class Steps(Warmed, kind="step"):
    """The rate is multiplied by ``factor`` every ``every_epochs``."""

    every_epochs: float = Field(10.0, gt=0)
    """Epochs for which the rate stays the same."""
    factor: float = Field(0.5, gt=0, le=1)
    """What remains after each fall."""

    def law(self, place: Place) -> float:
        return self.factor ** math.floor(place.epoch / self.every_epochs)


class Milestones(Warmed, kind="milestones"):
    """The rate is multiplied by ``factor`` at each of some epochs.

    By default it is halved after 14, 21 and 28 of 40 epochs, as in the second-placed system of 2019 (qrfaction).
    """

    at_epochs: tuple[float, ...] = (14.0, 21.0, 28.0)
    """Epochs that are over when the rate falls, in order."""
    factor: float = Field(0.5, gt=0, le=1)
    """What remains after each fall."""

    @field_validator("at_epochs")
    @classmethod
    def _in_order(cls, at_epochs: tuple[float, ...]) -> tuple[float, ...]:
        if any(epoch <= 0 for epoch in at_epochs) or list(at_epochs) != sorted(set(at_epochs)):
            raise ValueError(f"must be epochs above 0 in rising order, got {list(at_epochs)}; sort them")
        return at_epochs

    def law(self, place: Place) -> float:
        return self.factor ** sum(place.epoch >= epoch for epoch in self.at_epochs)
