"""The corners of the picture, enlarged."""

from dataclasses import replace
from functools import partial
from itertools import product
from typing import Annotated

from pydantic import Field

from earmark.core.errors import SettingsError
from earmark.inference.hearings.hearing import Ear, Hearing
from earmark.inference.hearings.whole import Whole
from earmark.inference.plan import Corner, Plan, Take, changed, together
from earmark.inference.pooling import Pool


class Corners(Hearing, kind="corners"):
    """``beta · plain + (1 - beta) · mean`` over the four corners of the picture, forwards and backwards.

    The weighted test-time augmentation of fast.ai (S. Gugger, version 1), which the rftexas team (2019) used: each
    corner of 1/scale of the bands and of the frames is enlarged to the whole picture, bilinearly, and four of the eight
    are then played backwards. That library also applies what else the training draws at random; here there is no
    chance in it. What is enlarged is the finished picture, after any normalisation.
    """

    of: Hearing = Whole()
    """What is enlarged."""
    beta: Annotated[float, Field(ge=0, le=1)] = 0.4
    """The weight of the plain picture."""
    scale: Annotated[float, Field(ge=1)] = 1.35
    """How much larger things become."""
    flips: bool = True
    """Whether each corner is also heard backwards."""
    pool: Pool = "probability"
    """What the means are of: that library takes probabilities (or, where its nets give logarithms, these)."""

    @property
    def within(self) -> tuple[Hearing, ...]:
        return (self.of,)

    def check(self, ear: Ear) -> None:
        if ear.domains <= {"wave"}:
            raise SettingsError("hearing 'corners' enlarges pictures, but this view gives waves; take another hearing")

    def plan(self, n_samples: int, ear: Ear, name: str) -> Plan:
        plain = self.of.plan(n_samples, ear, name)
        backwards = (False, True) if self.flips else (False,)
        places = product(backwards, (False, True), (False, True))
        corners = (Corner(self.scale, high, late, back) for back, late, high in places)
        enlarged = together(tuple(changed(plain, partial(_turned, corner)) for corner in corners), self.pool)
        if self.beta in (0, 1):
            return plain if self.beta else enlarged
        if self.pool == "max":
            return together((plain, enlarged), self.pool)
        return together((plain, enlarged), self.pool, (self.beta, 1 - self.beta))


def _turned(corner: Corner, take: Take) -> Take:
    return replace(take, turn=take.turn._replace(corners=(*take.turn.corners, corner)))
