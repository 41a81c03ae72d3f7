"""White and coloured noise."""

from typing import Annotated, Literal, NamedTuple, Self

import torch
from pydantic import Field, model_validator

from earmark.core.batch import Batch
from earmark.dsp.noise import COLOURS, with_noise
from earmark.signal.augment.laws import hits, seeds, uniform
from earmark.signal.augment.rows import on_rows
from earmark.signal.ranges import in_order
from earmark.signal.step import Augment, Draw, Spec


class NoiseDraw(NamedTuple):
    """Whether a clip gets noise, its level and steepness [batch], and the seeds it is made of [batch, 2]."""

    hit: torch.Tensor
    snr_db: torch.Tensor
    exponents: torch.Tensor
    seeds: torch.Tensor


class Noise(Augment, kind="noise"):
    """Noise is added, at a ratio of signal to noise that is measured over the whole clip.

    The power of the noise falls with frequency as 1 / f^a: a is 0 for white noise, which sounds bright, 1 for pink,
    2 for brown, which rumbles, -1 for blue and -2 for violet, which hisses; coloured noise has nothing below 20 Hz.
    Silent clips have no level to compare with and stay silent.
    """

    p: Annotated[float, Field(ge=0, le=1)] = 0.5
    """The chance that a clip gets noise."""
    low_db: float = 10.0
    """The smallest ratio: the most noise."""
    high_db: float = 40.0
    """The largest ratio; all in between are as likely, in dB."""
    colour: Literal["white", "pink", "brown", "blue", "violet"] | tuple[float, float] = "white"
    """The colour, or a range [low, high] of exponents a, from -4 to 4, from which each clip draws its own."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        in_order(self, ("low_db", "high_db"))
        low, high = self._exponents
        if not -4 <= low <= high <= 4:
            raise ValueError(f"a range of colours must go from low to high between -4 and 4, got {low:g} to {high:g}")
        return self

    @property
    def _exponents(self) -> tuple[float, float]:
        return (COLOURS[self.colour], COLOURS[self.colour]) if isinstance(self.colour, str) else self.colour

    def after(self, spec: Spec) -> Spec:
        return self.takes(spec, "wave")

    def draw(self, batch: Batch, chance: torch.Generator) -> NoiseDraw:
        n, (low, high) = len(batch), self._exponents
        hit, snr_db = hits(self.p, n, chance), uniform(self.low_db, self.high_db, n, chance)
        return NoiseDraw(hit, snr_db, uniform(low, high, n, chance), seeds(n, chance))

    def apply(self, batch: Batch, draw: Draw) -> Batch:
        draw = NoiseDraw(*draw)
        return on_rows(batch, draw.hit, draw, self._noisy)

    def _noisy(self, batch: Batch, draw: NoiseDraw) -> Batch:
        _, snr_db, exponents, seeds = (part.to(batch.values.device, non_blocking=True) for part in draw)
        steep = None if self.colour == "white" else exponents
        return batch.changed(values=with_noise(batch.values, batch.lengths, seeds, steep, snr_db, batch.rate_hz))
