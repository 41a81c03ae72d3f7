"""One of several augmentations."""

from typing import Annotated, NamedTuple, Self

import torch
from pydantic import Field, model_validator

from earmark.core.batch import Batch
from earmark.signal.augment.laws import hits, uniform
from earmark.signal.augment.nesting import Draws, Nesting, drawn_for
from earmark.signal.augment.rows import put, taken
from earmark.signal.step import Augment, Draw


class OneOfDraw(NamedTuple):
    """Which step each clip gets [batch], -1 for none, and the draws of the steps, which leave other clips alone."""

    choice: torch.Tensor
    draws: Draws


class OneOf(Nesting, kind="one_of"):
    """Each clip goes through one of the steps, some more likely than others.

    R. Baikulov (argus, 2019) mixes clips in one of two ways, with weights 0.6 and 0.4. A step that mixes takes its
    partners as they came, not as another step has left them.
    """

    p: Annotated[float, Field(ge=0, le=1)] = 1.0
    """The chance that a clip gets a step at all."""
    steps: Annotated[tuple[Augment, ...], Field(min_length=1)]
    """What there is to choose from; each step's own ``p`` is the chance that it does something when it is chosen."""
    weights: tuple[Annotated[float, Field(gt=0)], ...] | None = None
    """How likely each step is beside the others, in any unit; without weights, all are as likely."""

    @model_validator(mode="after")
    def _as_many_weights(self) -> Self:
        if self.weights is not None and len(self.weights) != len(self.steps):
            raise ValueError(f"weights must be as many as steps, got {len(self.weights)} for {len(self.steps)}")
        return self

    def draw(self, batch: Batch, chance: torch.Generator) -> OneOfDraw:
        n = len(batch)
        hit = hits(self.p, n, chance)
        weights = torch.tensor(self.weights or [1.0] * len(self.steps), dtype=torch.float64)
        ends = (weights.cumsum(0) / weights.sum())[:-1]
        choice = torch.where(hit, torch.searchsorted(ends, uniform(0.0, 1.0, n, chance).double(), right=True), -1)
        drawn = (drawn_for(step, choice == place, batch, chance) for place, step in enumerate(self.steps))
        return OneOfDraw(choice, Draws(*drawn))

    def apply(self, batch: Batch, draw: Draw) -> Batch:
        choice, draws = OneOfDraw(*draw)
        made = batch
        for place, (step, drawn) in enumerate(zip(self.steps, draws, strict=True)):
            rows = (choice == place).nonzero()[:, 0]
            if len(rows):
                there = rows.to(batch.values.device, non_blocking=True)
                made = put(made, there, taken(step.apply(batch, drawn), rows, there))
        return made
