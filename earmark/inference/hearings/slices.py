"""Slices of one length."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from earmark.inference.hearings.hearing import Ear, Hearing
from earmark.inference.pieces import slices
from earmark.inference.plan import Excerpt, Plan, Take, together
from earmark.inference.pooling import Pool


class Slices(Hearing, kind="slices"):
    """Parts of one length, side by side or overlapping; clips that are no longer than that are heard whole.

    The slices of O. Akiyama and J. Sato (2019), who found those from the beginning of a clip better than those from
    its end, and full length better than both. With ``where: even`` and ``n: 3``, start, middle and end, as qrfaction
    (2019) heard clips.
    """

    length_s: Annotated[float, Field(gt=0)] | None = None
    """Seconds of a slice; null takes the length of the crops of training."""
    hop_s: Annotated[float, Field(gt=0)] | None = None
    """Seconds from one slice to the next; null lays them side by side. What is left over is heard by moving the last
    one back, so that it ends with the clip."""
    where: Literal["start", "end", "even"] = "start"
    """Laid from the start of the clip, from its end, or ``n`` of them evenly from the first to the last."""
    n: Annotated[int, Field(ge=1)] | None = None
    """The most slices of a clip, counted from where they are laid; null takes all."""
    pool: Pool = "probability"
    """How they become the clip's scores."""

    @model_validator(mode="after")
    def _counted(self) -> Self:
        if self.where == "even" and self.n is None:
            raise ValueError("slices that are spread evenly need their number; give n")
        if self.where == "even" and self.hop_s is not None:
            raise ValueError("slices that are spread evenly have no hop; remove hop_s, or lay them from start or end")
        return self

    @property
    def longest_s(self) -> float:
        return self.length_s or 0.0

    def plan(self, n_samples: int, ear: Ear, name: str) -> Plan:
        length = ear.samples(self.length_s)
        hop = length if self.hop_s is None else ear.samples(self.hop_s)
        found = slices(n_samples, length, hop, where=self.where, most=self.n)
        return together(tuple(Take(Excerpt(*span)) for span in found), self.pool)
