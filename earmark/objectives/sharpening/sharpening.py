"""What every sharpening is: a law from guessed probabilities to targets.

Averages of several guesses are flatter than each of them, so they are sharpened before anybody learns from them. The
law of the single-label methods (a power, then a sum of one) means little where clips have several labels or none, and
the obvious stand-in, a steep curve around one half, means that a net which is never surer than that names no class at
all. So there are several laws, and every published one among them.
"""

from abc import ABC, abstractmethod

from jaxtyping import Float
from torch import Tensor

from earmark.core.family import Member


class Sharpening(Member, ABC, family="sharpening"):
    """A law with its settings; it is called."""

    @abstractmethod
    def __call__(self, guesses: Float[Tensor, "batch classes"]) -> Float[Tensor, "batch classes"]:
        """Targets in [0, 1] for probabilities in [0, 1]; each clip for itself, and no class that was more likely than
        another comes out less likely than it."""
