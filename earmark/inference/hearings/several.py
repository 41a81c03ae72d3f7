"""Several ways of hearing together."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from earmark.inference.hearings.hearing import Ear, Hearing
from earmark.inference.plan import Plan, together
from earmark.inference.pooling import Pool


class Several(Hearing, kind="several"):
    """Several ways of hearing, each with its weight."""

    of: Annotated[tuple[Hearing, ...], Field(min_length=1)]
    """What each clip is heard by."""
    weights: tuple[Annotated[float, Field(gt=0)], ...] | None = None
    """Their weights, in any unit; null weighs all alike."""
    pool: Pool = "probability"
    """How they become the clip's scores."""

    @model_validator(mode="after")
    def _weighed(self) -> Self:
        if self.weights is not None and len(self.weights) != len(self.of):
            raise ValueError(f"weights must be as many as ways of hearing, got {len(self.weights)} for {len(self.of)}")
        if self.weights is not None and self.pool == "max":
            raise ValueError("a maximum knows no weights; remove them, or take another pool")
        return self

    @property
    def within(self) -> tuple[Hearing, ...]:
        return self.of

    def plan(self, n_samples: int, ear: Ear, name: str) -> Plan:
        return together(tuple(each.plan(n_samples, ear, name) for each in self.of), self.pool, self.weights)
