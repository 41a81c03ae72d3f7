"""Shares within bounds."""

from typing import Annotated, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor

from earmark.signal.augment.laws import uniform
from earmark.signal.augment.mixing.shares.share import Share
from earmark.signal.ranges import in_order


class Uniform(Share, kind="uniform"):
    """Shares between two bounds, all as likely."""

    low: Annotated[float, Field(ge=0, le=1)] = 0.5
    """The smallest share."""
    high: Annotated[float, Field(ge=0, le=1)] = 1.0
    """The largest share."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        return in_order(self, ("low", "high"))

    def draw(self, n: int, chance: torch.Generator) -> Tensor:
        return uniform(self.low, self.high, n, chance)
