"""Focal loss: binary cross-entropy that looks away from what is already answered well."""

from jaxtyping import Bool, Float
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from earmark.losses.loss import Loss, exact, mean_of_known, only_known


class Focal(Loss, kind="focal"):
    """Binary cross-entropy times (1 - p)^gamma, p being the probability of the right answer; mean over known classes.

    Of 80 classes a clip has one or two, and most of the others are easily told absent; together they would outweigh the
    few that matter. A soft target is a mixture of both answers. With ``gamma`` 0 it is binary cross-entropy.

    Source: Lin, Goyal, Girshick, He, Dollár, "Focal loss for dense object detection", 2017.
    """

    gamma: float = Field(2.0, ge=0)
    """How much less an easy answer counts."""
    alpha: float | None = Field(None, gt=0, lt=1)
    """Weight of present labels, one minus it that of absent ones; null: both count 1."""

    def __call__(
        self,
        logits: Float[Tensor, "batch classes"],
        targets: Float[Tensor, "batch classes"],
        known: Bool[Tensor, "batch classes"],
    ) -> Float[Tensor, " batch"]:
        logits, targets = exact(logits), only_known(targets, known)
        yes, no = F.logsigmoid(logits), F.logsigmoid(-logits)
        present, absent = (1.0, 1.0) if self.alpha is None else (self.alpha, 1 - self.alpha)
        losses = -present * targets * (self.gamma * no).exp() * yes
        losses = losses - absent * (1 - targets) * (self.gamma * yes).exp() * no
        return mean_of_known(losses, known)
