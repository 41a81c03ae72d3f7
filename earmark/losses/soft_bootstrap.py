"""Soft bootstrapping: doubtful labels are half believed, the rest of the target is what the net says itself."""

from jaxtyping import Bool, Float
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from earmark.losses.loss import Loss, exact, mean_of_known, only_known


class SoftBootstrap(Loss, kind="soft_bootstrap"):
    """Binary cross-entropy with the target beta * label + (1 - beta) * probability, mean over known classes.

    Meant for labels that may be wrong; to use it for noisy clips only, give them a part of the objective of their own.
    With the gradient through the target, as Reed et al. have it, this is binary cross-entropy and a reward for certain
    answers. Held fixed, as Baikulov's (2019) code has it, the target's own share cancels: the gradient is that of
    binary cross-entropy times ``beta``, no more.

    Source: Reed, Lee, Anguelov, Szegedy, Erhan, Rabinovich, "Training deep neural networks on noisy labels with
    bootstrapping", 2015.
    """

    beta: float = Field(0.95, ge=0, le=1)
    """How much the label is believed; Baikulov uses 0.7."""
    fixed: bool = False
    """Whether no gradient goes through the target."""

    def __call__(
        self,
        logits: Float[Tensor, "batch classes"],
        targets: Float[Tensor, "batch classes"],
        known: Bool[Tensor, "batch classes"],
    ) -> Float[Tensor, " batch"]:
        logits = exact(logits)
        guesses = (logits.detach() if self.fixed else logits).sigmoid()
        targets = self.beta * only_known(targets, known) + (1 - self.beta) * guesses
        return mean_of_known(F.softplus(logits) - logits * targets, known)
