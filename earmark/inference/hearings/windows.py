"""Windows of several lengths."""

from typing import Annotated

from pydantic import Field

from earmark.inference.hearings.hearing import Ear, Hearing
from earmark.inference.pieces import slices
from earmark.inference.plan import Excerpt, Plan, Take, together
from earmark.inference.pooling import Pool


class Windows(Hearing, kind="windows"):
    """Windows of several lengths slide over the clip, and each length has the same say.

    Short events stand out in short windows, slow ones need long ones. A clip that is shorter than a window is heard
    whole at that length.
    """

    lengths_s: Annotated[tuple[Annotated[float, Field(gt=0)], ...], Field(min_length=1)] = (1.0, 2.0, 4.0)
    """Seconds of the windows."""
    overlap: Annotated[float, Field(ge=0, lt=1)] = 0.5
    """The share of a window that the next one hears again."""
    pool: Pool = "probability"
    """How the windows of one length become its scores."""
    across: Pool = "probability"
    """How the lengths become the clip's scores."""

    @property
    def longest_s(self) -> float:
        return max(self.lengths_s)

    def plan(self, n_samples: int, ear: Ear, name: str) -> Plan:
        scales = []
        for length in map(ear.samples, self.lengths_s):
            hop = max(1, round(length * (1 - self.overlap)))
            found = slices(n_samples, length, hop, where="start", most=None)
            scales.append(together(tuple(Take(Excerpt(*span)) for span in found), self.pool))
        return together(tuple(scales), self.across)
