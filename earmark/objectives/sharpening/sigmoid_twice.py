"""A published mistake."""

from pydantic import Field
from torch import Tensor

from earmark.objectives.sharpening.sharpening import Sharpening


class SigmoidTwice(Sharpening, kind="sigmoid_twice"):
    """``sigmoid(temperature · p)`` of a probability: a law for logits, as a blog's snippet executes it. Legacy.

    With its temperature of 0.5 all targets lie between 0.5 and 0.622, so they tell next to nothing and say of every
    class that it is rather there. Only to reproduce that; what was meant is `logit_temperature`.
    """

    temperature: float = Field(0.5, gt=0)
    """What the probability is multiplied by."""

    def __call__(self, guesses: Tensor) -> Tensor:
        return (self.temperature * guesses).sigmoid()
