"""Segments of one length."""

from typing import Annotated

from pydantic import Field

from earmark.inference.hearings.hearing import Ear, Hearing
from earmark.inference.plan import Excerpt, Plan, Take, together
from earmark.inference.pooling import Pool


class Segments(Hearing, kind="segments"):
    """The clip cut into segments of one length, the last filled up with silence; the mean of their logits.

    As J. Deng (2019) uses his nets, here for any net and in seconds; a net that was trained so has ``model.segments``
    and needs nothing here.
    """

    length_s: Annotated[float, Field(gt=0)] | None = None
    """Seconds of a segment; null takes the length of the crops of training."""
    pool: Pool = "mean"
    """How they become the clip's scores."""

    @property
    def longest_s(self) -> float:
        return self.length_s or 0.0

    def plan(self, n_samples: int, ear: Ear, name: str) -> Plan:
        length = ear.samples(self.length_s)
        starts = range(0, max(1, n_samples), length)
        cut = (Excerpt(start, min(length, n_samples - start), least_samples=length) for start in starts)
        return together(tuple(map(Take, cut)), self.pool)
