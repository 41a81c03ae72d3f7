"""One cycle: up and then down, once over the whole training."""

import math
from typing import Literal

from pydantic import Field

from earmark.schedules.schedule import Place, Schedule


class OneCycle(Schedule, kind="one_cycle"):
    """From ``start`` up to 1 and then down to almost nothing, over the whole training (L. N. Smith, 2018).

    With straight lines it is, step by step, that of the third-placed system of 2019 (ex4sperans): of T steps the first
    round(0.3 T) rise, the others fall to a thousandth of the start. With cosines it is the form of fast.ai (S. Gugger,
    2018). Momentum stays as it is in both.
    """

    start: float = Field(1e-4 / 5e-3, ge=0, le=1)
    """The factor of the first step."""
    rise_share: float = Field(0.3, ge=0, le=1)
    """The share of the steps that rise."""
    end_over_start: float = Field(1e-3, ge=0, le=1)
    """The factor at the end as a share of ``start``."""
    shape: Literal["linear", "cosine"] = "linear"
    """Straight lines or half cosines."""

    def __call__(self, place: Place) -> float:
        top = round(self.rise_share * place.n_steps)
        if place.step < top:
            return self._between(self.start, 1.0, place.step / top)
        fallen = (place.step - top) / max(1, place.n_steps - top)
        return self._between(1.0, self.start * self.end_over_start, fallen)

    def _between(self, one: float, other: float, share: float) -> float:
        return one + (other - one) * (share if self.shape == "linear" else 0.5 * (1 - math.cos(math.pi * share)))
