"""Sharper by a temperature of logits."""

from pydantic import Field
from torch import Tensor

from earmark.objectives.sharpening.sharpening import Sharpening


class LogitTemperature(Sharpening, kind="logit_temperature"):
    """``sigmoid(logit(p) / temperature)``: below one half goes down, above goes up.

    It is the law of D. Berthelot et al. (MixMatch, 2019) for the two answers that each class of a multi-label net has.
    """

    temperature: float = Field(0.5, gt=0)
    """Below 1 sharpens, 1 leaves everything as it is, above 1 flattens."""

    def __call__(self, guesses: Tensor) -> Tensor:
        return (guesses.logit(eps=1e-6) / self.temperature).sigmoid()
