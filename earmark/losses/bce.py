"""Binary cross-entropy: each class is its own yes-or-no question."""

from jaxtyping import Bool, Float
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from earmark.losses.loss import Loss, exact, mean_of_known, only_known


class BCE(Loss, kind="bce"):
    """Binary cross-entropy with logits, mean over the classes that are known; soft targets are welcome."""

    smoothing: float = Field(0.0, ge=0, lt=1)
    """Label smoothing: targets move this share of the way to one half."""
    positive_weight: float = Field(1.0, gt=0)
    """How much more a present label counts than an absent one."""
    double_sigmoid: bool = False
    """Whether probabilities are taken for logits, as the published code of Akiyama and Sato (2019) does for noisy
    clips: scores then end between 0.5 and 0.73, and the gradient is a faint one. Only to reproduce that system."""

    def __call__(
        self,
        logits: Float[Tensor, "batch classes"],
        targets: Float[Tensor, "batch classes"],
        known: Bool[Tensor, "batch classes"],
    ) -> Float[Tensor, " batch"]:
        logits = exact(logits)
        if self.double_sigmoid:
            logits = logits.sigmoid()
        targets = only_known(targets, known) * (1 - self.smoothing) + 0.5 * self.smoothing
        weight = logits.new_full((), self.positive_weight) if self.positive_weight != 1 else None
        losses = F.binary_cross_entropy_with_logits(logits, targets, reduction="none", pos_weight=weight)
        return mean_of_known(losses, known)
