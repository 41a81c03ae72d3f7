"""Cosine laws: down once, up and down, down with restarts (I. Loshchilov and F. Hutter, 2017)."""

import math
from collections.abc import Iterable

from pydantic import Field

from earmark.schedules.schedule import Place, Warmed


class Constant(Warmed, kind="constant"):
    """The learning rate as it is."""

    def law(self, place: Place) -> float:
        return 1.0


class Cosine(Warmed, kind="cosine"):
    """From 1 to ``floor`` along half a cosine, which begins when the warm-up is over."""

    floor: float = Field(0.0, ge=0, le=1)
    """The factor at the end."""

    def law(self, place: Place) -> float:
        falling = max(0.0, place.epoch - self.warmup_epochs)
        return _fall(falling / max(place.n_epochs - self.warmup_epochs, 1e-9), self.floor)


class CosineOscillation(Warmed, kind="cosine_oscillation"):
    """Down for ``half_period_epochs``, up again for as long, and so on: no jumps.

    It is what a cosine annealing does when it is stepped past its T_max, as in the training of L. Schoneveld (2019):
    the rate falls for 10 epochs and climbs back for 10. With ``per_epoch`` it changes only between epochs, as there;
    the epoch at the bottom is then the eleventh, and a cycle ends after it.
    """

    half_period_epochs: float = Field(10.0, gt=0)
    """Epochs from a top to the next bottom."""
    floor: float = Field(1e-5 / 3e-3, ge=0, le=1)
    """The factor at the bottom."""
    per_epoch: bool = True
    """Whether the rate stays the same within an epoch."""

    def law(self, place: Place) -> float:
        epoch = place.step // place.steps_per_epoch if self.per_epoch else place.epoch
        return _fall(epoch / self.half_period_epochs, self.floor)

    def cycle_ends(self, n_epochs: int, steps_per_epoch: int) -> tuple[int, ...]:
        bottoms = _every(self.half_period_epochs, 2 * self.half_period_epochs, n_epochs)
        return _ends((round(bottom) + self.per_epoch for bottom in bottoms), n_epochs)

    def cycle_end(self, number: int) -> float | None:
        return (2 * number - 1) * self.half_period_epochs + self.per_epoch


class CosineSteps(Warmed, kind="cosine_steps"):
    """The same oscillation counted in steps: the rate changes every ``every_steps``, whatever an epoch is.

    The multi-stage system of J. Deng (2019) anneals so: a T_max of 200, stepped every 300 batches, to a thousandth.
    """

    every_steps: int = Field(300, ge=1)
    """Steps for which the rate stays the same."""
    half_period: int = Field(200, ge=1)
    """Changes of the rate from a top to the next bottom, T_max."""
    floor: float = Field(1e-3, ge=0, le=1)
    """The factor at the bottom."""

    def law(self, place: Place) -> float:
        return _fall(place.step // self.every_steps / self.half_period, self.floor)

    def cycle_ends(self, n_epochs: int, steps_per_epoch: int) -> tuple[int, ...]:
        bottom = self.half_period * self.every_steps
        trained = (step + self.every_steps for step in range(bottom, n_epochs * steps_per_epoch, 2 * bottom))
        return _ends((math.ceil(step / steps_per_epoch) for step in trained), n_epochs)


class CosineRestarts(Warmed, kind="cosine_restarts"):
    """Down along half a cosine every ``period_epochs``, then back to the top at once, step by step.

    The snapshots of O. Akiyama and J. Sato (2019) come from cycles of 64 epochs (80 for their nets on waves).
    """

    period_epochs: float = Field(64.0, gt=0)
    """Epochs of a cycle."""
    floor: float = Field(1e-3, ge=0, le=1)
    """The factor at the end of a cycle."""

    def law(self, place: Place) -> float:
        within = (place.epoch / self.period_epochs) % 1.0
        at_the_end = place.step >= place.n_steps and within == 0.0
        return _fall(1.0 if at_the_end else within, self.floor)

    def cycle_ends(self, n_epochs: int, steps_per_epoch: int) -> tuple[int, ...]:
        return _ends(map(round, _every(self.period_epochs, self.period_epochs, n_epochs)), n_epochs)

    def cycle_end(self, number: int) -> float | None:
        return number * self.period_epochs


def _every(first: float, period: float, n_epochs: int) -> Iterable[float]:
    """The places of ends of cycles in a training, and one or two behind it."""
    return (first + k * period for k in range(math.ceil(n_epochs / period) + 1))


def _ends(epochs: Iterable[int], n_epochs: int) -> tuple[int, ...]:
    """Those within the training, each once and in order, and the last epoch."""
    return tuple(sorted({*(epoch for epoch in epochs if 0 < epoch <= n_epochs), n_epochs}))


def _fall(place: float, floor: float) -> float:
    """Half a cosine from 1 at 0 to ``floor`` at 1, and on from there."""
    return floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * place))
