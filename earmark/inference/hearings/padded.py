"""The clip with different amounts of nothing around it."""

from dataclasses import replace
from functools import partial
from typing import Annotated, Literal

from pydantic import Field

from earmark.core.errors import SettingsError
from earmark.inference.hearings.hearing import Ear, Hearing
from earmark.inference.hearings.whole import Whole
from earmark.inference.plan import Plan, Take, changed, together
from earmark.inference.pooling import Pool


class Padded(Hearing, kind="padded"):
    """The clip with padding at both ends, by several amounts, and the mean of what each gives.

    The padding of O. Akiyama and J. Sato (2019), who hear every clip so at two lengths: 8 and 64 columns of their
    pictures (the default here), or 8,000 and 32,000 samples (0.181 and 0.726 s) for their nets on waves. Each amount
    shifts the clip within the strides of the network, and a picture that is normalised by itself becomes louder.
    """

    of: Hearing = Whole()
    """What is padded."""
    pads_s: Annotated[tuple[Annotated[float, Field(ge=0)], ...], Field(min_length=1)] = (0.063, 0.504)
    """Seconds at each end; 0 leaves it as it is."""
    fill: Literal["silence", "floor"] = "silence"
    """What the padding is: silence in the wave; or pictures without power, as that source had it, in which the frames
    next to the clip are as empty as the others. In decibels both are the floor of the clip: ``top_db`` under its
    loudest value, or the level of ``amin`` if that is higher."""
    pool: Pool = "probability"
    """How the amounts become the clip's scores."""

    @property
    def within(self) -> tuple[Hearing, ...]:
        return (self.of,)

    def check(self, ear: Ear) -> None:
        if self.fill == "floor" and not ear.domains & {"power", "magnitude"}:
            raise SettingsError(
                "hearing 'padded' with fill 'floor' pads pictures of power, which this view does not have on its way; "
                "take fill: silence"
            )

    def plan(self, n_samples: int, ear: Ear, name: str) -> Plan:
        plain = self.of.plan(n_samples, ear, name)
        pads = (changed(plain, partial(self._around, pad_s, ear.rate_hz)) for pad_s in self.pads_s)
        return together(tuple(pads), self.pool)

    def _around(self, pad_s: float, rate_hz: int, take: Take) -> Take:
        if self.fill == "floor":
            return replace(take, turn=take.turn._replace(floor_s=take.turn.floor_s + pad_s))
        pad_samples = take.excerpt.pad_samples + round(pad_s * rate_hz)
        return replace(take, excerpt=take.excerpt._replace(pad_samples=pad_samples))
