"""ArcFace class by class: a label that is there must be right by an angle to spare."""

import math

from jaxtyping import Bool, Float
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from earmark.losses.loss import Loss, exact, mean_of_known, only_known

_FLATTEST = 1e-6  # the square of a sine below which its root has no gradient to speak of


class ArcFace(Loss, kind="arcface"):
    """Binary cross-entropy of ``scale · cos(angle)``, where the angle of a class that is there counts as larger.

    It wants a head that answers by angles, with the same scale: ``cosine`` of heads ``pooled`` and ``recurrent``. The
    margin is there in training alone, and makes clips of a class lie closer together. A soft target is a mixture of
    both answers. Where an angle and the margin would be more than half a turn, the cosine falls by a line.

    Source: J. Deng, Guo, Xue, Zafeiriou, "ArcFace: additive angular margin loss for deep face recognition", 2019, for
    clips of one class; by classes, with the same scale and margin, a team of 2019's challenge (BIsmart) had it.
    """

    scale: float = Field(30.0, gt=0)
    """What cosines are multiplied by; that of the head."""
    margin: float = Field(0.5, ge=0, lt=math.pi / 2)
    """By how much the angle is made larger, in radians."""

    @property
    def scale_of_cosines(self) -> float:
        return self.scale

    def __call__(
        self,
        logits: Float[Tensor, "batch classes"],
        targets: Float[Tensor, "batch classes"],
        known: Bool[Tensor, "batch classes"],
    ) -> Float[Tensor, " batch"]:
        logits, targets = exact(logits), only_known(targets, known)
        cosines = (logits / self.scale).clamp(-1, 1)
        sines = (1 - cosines.square()).clamp(min=_FLATTEST).sqrt()
        cos, sin = math.cos(self.margin), math.sin(self.margin)
        further = (cosines * cos - sines * sin).where(cosines > -cos, cosines - self.margin * sin)
        losses = targets * F.softplus(-self.scale * further) + (1 - targets) * F.softplus(logits)
        return mean_of_known(losses, known)
