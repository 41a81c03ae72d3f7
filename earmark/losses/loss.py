"""What every loss is: a value that is called."""

from abc import ABC, abstractmethod

from jaxtyping import Bool, Float
from torch import Tensor

from earmark.core.family import Member


class Loss(Member, ABC, family="loss"):
    """A function of logits and targets with its settings."""

    @abstractmethod
    def __call__(
        self,
        logits: Float[Tensor, "batch classes"],
        targets: Float[Tensor, "batch classes"],
        known: Bool[Tensor, "batch classes"],
    ) -> Float[Tensor, " batch"]:
        """One number a clip; targets that are not known have no say, and a clip of which none is known gives 0."""
