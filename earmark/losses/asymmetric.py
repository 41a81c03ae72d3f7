"""Asymmetric loss: focal loss with a focus of its own for absent labels, and deaf to the easiest of them."""

import torch
from jaxtyping import Bool, Float
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from earmark.losses.loss import Loss, exact, mean_of_known, only_known


class Asymmetric(Loss, kind="asymmetric"):
    """Focal loss whose absent labels are focused apart and shifted by a margin; mean over known classes.

    An absent label with a probability below ``clip`` has no gradient at all, and the steep focus on absent labels
    leaves most of the learning to those that are there. A soft target is a mixture of both answers.

    Source: Ridnik, Ben-Baruch, Zamir, Noy, Friedman, Protter, Zelnik-Manor, "Asymmetric loss for multi-label
    classification", 2021; the defaults are those of the paper. (There the classes are summed; here the mean is taken.)
    """

    gamma_pos: float = Field(0.0, ge=0)
    """Focus on present labels."""
    gamma_neg: float = Field(4.0, ge=0)
    """Focus on absent labels."""
    clip: float = Field(0.05, ge=0, lt=1)
    """What is taken from the probability of an absent label before it is judged."""

    def __call__(
        self,
        logits: Float[Tensor, "batch classes"],
        targets: Float[Tensor, "batch classes"],
        known: Bool[Tensor, "batch classes"],
    ) -> Float[Tensor, " batch"]:
        logits, targets = exact(logits), only_known(targets, known)
        yes, no = F.logsigmoid(logits), F.logsigmoid(-logits)
        losses = -targets * (self.gamma_pos * no).exp() * yes - (1 - targets) * self._absent(logits, yes, no)
        return mean_of_known(losses, known)

    def _absent(self, logits: Tensor, yes: Tensor, no: Tensor) -> Tensor:
        """The weighted logarithm of each class being absent."""
        if self.clip == 0:
            return (self.gamma_neg * yes).exp() * no
        # Not below the smallest number: a power below 1 is infinitely steep at 0.
        shifted = (logits.sigmoid() - self.clip).clamp(min=torch.finfo(logits.dtype).tiny)
        return shifted**self.gamma_neg * ((-logits).sigmoid() + self.clip).clamp(max=1).log()
