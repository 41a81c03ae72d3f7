"""Sharper by a power."""

from pydantic import Field
from torch import Tensor

from earmark.objectives.sharpening.sharpening import Sharpening


class Power(Sharpening, kind="power"):
    """``p ** exponent``, the classes of a clip then scaled to a sum of one if asked for.

    Akiyama and Sato (2019) sharpen soft pseudo labels by the exponents 1, 1.5 and 2, the best of which was 2, and scale
    them to a sum of one though clips have several labels. MixMatch (2019) writes the exponent as 1 / T.
    """

    exponent: float = Field(2.0, gt=0)
    """Above 1 sharpens: all go down, the unlikely ones further."""
    sum_to_one: bool = False
    """Whether the classes of a clip share one label among them, as where there is just one."""

    def __call__(self, guesses: Tensor) -> Tensor:
        sharp = guesses**self.exponent
        return sharp / sharp.sum(dim=1, keepdim=True).clamp(min=1e-8) if self.sum_to_one else sharp
