"""Random crops."""

from typing import Annotated

from pydantic import Field

from earmark.core.chance import Chance
from earmark.inference.hearings.hearing import Ear, Hearing
from earmark.inference.plan import Excerpt, Plan, Take, together
from earmark.inference.pooling import Pool


class Crops(Hearing, kind="crops"):
    """Crops at random places, the same for a clip in any company; clips no longer than a crop are heard whole.

    Five of two seconds are how the system of the semi-supervised blog (L. Schoneveld, 2019) was used. Where they lie
    depends on the seed and on the name of the clip without its folders, so a file that is called otherwise is cropped
    elsewhere.
    """

    length_s: Annotated[float, Field(gt=0)] | None = None
    """Seconds of a crop; null takes the length of the crops of training."""
    n: Annotated[int, Field(ge=1)] = 5
    """How many crops."""
    seed: int = 0
    """Names the places."""
    pool: Pool = "probability"
    """How they become the clip's scores."""

    @property
    def longest_s(self) -> float:
        return self.length_s or 0.0

    def plan(self, n_samples: int, ear: Ear, name: str) -> Plan:
        length = ear.samples(self.length_s)
        if n_samples <= length:
            return Take(Excerpt(0, n_samples))
        chance = Chance(self.seed).at("hearing", clip=name).numpy()
        starts = sorted(chance.integers(0, n_samples - length + 1, self.n).tolist())
        return together(tuple(Take(Excerpt(start, length)) for start in starts), self.pool)
