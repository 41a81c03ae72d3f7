"""Yes or no."""

from pydantic import Field
from torch import Tensor

from earmark.objectives.sharpening.sharpening import Sharpening


class Hard(Sharpening, kind="hard"):
    """1 from a threshold on, 0 below: hard pseudo labels for clips with any number of labels."""

    threshold: float = Field(0.5, gt=0, lt=1)
    """The least probability that counts as there."""

    def __call__(self, guesses: Tensor) -> Tensor:
        return (guesses >= self.threshold).to(guesses.dtype)
