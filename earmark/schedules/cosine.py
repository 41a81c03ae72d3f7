"""Cosine laws: down once, up and down, down with restarts."""

import math

from pydantic import Field

from earmark.schedules.schedule import Schedule


class Constant(Schedule, kind="constant"):
    """The learning rate as it is."""

    def __call__(self, epoch: float, n_epochs: int) -> float:
        return 1.0


class Cosine(Schedule, kind="cosine"):
    """From 1 to ``floor`` along half a cosine, after a linear warm-up."""

    floor: float = Field(0.0, ge=0, le=1)
    """The factor at the end."""
    warmup_epochs: float = Field(0.0, ge=0)
    """Epochs of linear rise, from a twentieth, before the fall."""

    def __call__(self, epoch: float, n_epochs: int) -> float:
        if epoch < self.warmup_epochs:
            return 0.05 + 0.95 * epoch / self.warmup_epochs
        return _fall((epoch - self.warmup_epochs) / max(n_epochs - self.warmup_epochs, 1e-9), self.floor)


class CosineOscillation(Schedule, kind="cosine_oscillation"):
    """Down for ``half_period_epochs``, up again for as long, and so on: no jumps (S0-04).

    It is what a cosine annealing does when it is stepped past its T_max, which the blog's training does: the rate
    falls for 10 epochs and climbs back for 10. With ``per_epoch`` it changes only between epochs, as there.
    """

    half_period_epochs: float = Field(10.0, gt=0)
    """Epochs from a top to the next bottom."""
    floor: float = Field(1e-5 / 3e-3, ge=0, le=1)
    """The factor at the bottom."""
    per_epoch: bool = True
    """Whether the rate stays the same within an epoch."""

    def __call__(self, epoch: float, n_epochs: int) -> float:
        return _fall((math.floor(epoch) if self.per_epoch else epoch) / self.half_period_epochs, self.floor)

    def cycle_ends(self, n_epochs: int) -> tuple[int, ...]:
        return _ends(self.half_period_epochs, 2 * self.half_period_epochs, n_epochs)


class CosineRestarts(Schedule, kind="cosine_restarts"):
    """Down along half a cosine every ``period_epochs``, then back to the top at once, step by step (S1-17)."""

    period_epochs: float = Field(64.0, gt=0)
    """Epochs of a cycle."""
    floor: float = Field(1e-3, ge=0, le=1)
    """The factor at the end of a cycle."""

    def __call__(self, epoch: float, n_epochs: int) -> float:
        place = (epoch / self.period_epochs) % 1.0
        at_the_end = epoch >= n_epochs and place == 0.0
        return _fall(1.0 if at_the_end else place, self.floor)

    def cycle_ends(self, n_epochs: int) -> tuple[int, ...]:
        return _ends(self.period_epochs, self.period_epochs, n_epochs)


def _ends(first: float, period: float, n_epochs: int) -> tuple[int, ...]:
    """The whole epochs nearest to the ends of cycles, each once, and the last epoch."""
    ends = (round(first + k * period) for k in range(math.ceil(n_epochs / period) + 1))
    return tuple(sorted({*(end for end in ends if 0 < end <= n_epochs), n_epochs}))


def _fall(place: float, floor: float) -> float:
    """Half a cosine from 1 at 0 to ``floor`` at 1, and on from there."""
    return floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * place))
