"""The exponential moving average."""

from pydantic import Field

from earmark.schedules.schedule import Place
from earmark.training.averages.average import Average


class EMA(Average, kind="ema"):
    """A moving average over the last steps, about 1 / (1 - decay) of them (B. Polyak and A. Juditsky, 1992).

    Early steps move it further, so that the start is soon forgotten. ``average: 0.99`` in a recipe means this one.
    """

    decay: float = Field(0.99, gt=0, lt=1)
    """How much of the average stays at each step."""

    def share(self, place: Place, n_taken: int) -> float:
        return 1 - min(self.decay, (1 + place.step) / (10 + place.step))
