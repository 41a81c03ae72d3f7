"""Binary cross-entropy: each class is its own yes-or-no question."""

from typing import Annotated

import torch
from jaxtyping import Bool, Float
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from earmark.core.errors import SettingsError
from earmark.losses.loss import Loss, exact, mean_of_known, only_known

PositiveWeight = Annotated[float, Field(gt=0)]


class BCE(Loss, kind="bce"):
    """Binary cross-entropy with logits, mean over the classes that are known; soft targets are welcome."""

    smoothing: float = Field(0.0, ge=0, lt=1)
    """Label smoothing: targets move this share of the way to one half."""
    positive_weight: PositiveWeight | Annotated[tuple[PositiveWeight, ...], Field(min_length=1)] = 1.0
    """How much more a present label counts than an absent one; or a list with a number for each class, in the order of
    the vocabulary (``classes.json`` of a run has it)."""
    double_sigmoid: bool = False
    """Whether probabilities are taken for logits, as the published code of Akiyama and Sato (2019) does for noisy
    clips: scores then end between 0.5 and 0.73, and the gradient is a faint one. Only to reproduce that system."""

    def check(self, n_classes: int) -> None:
        n = len(self.positive_weight) if isinstance(self.positive_weight, tuple) else n_classes
        if n != n_classes:
            raise SettingsError(
                f"loss 'bce' has a positive_weight for {n} classes, but the data have {n_classes}; give one number for "
                "each of them, or a single one for all"
            )

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
        self.check(logits.shape[1])
        weight = self._weight(logits)
        losses = F.binary_cross_entropy_with_logits(logits, targets, reduction="none", pos_weight=weight)
        return mean_of_known(losses, known)

    def _weight(self, logits: Tensor) -> Tensor | None:
        weight = self.positive_weight
        if isinstance(weight, tuple):
            return torch.tensor(weight, dtype=logits.dtype).to(logits.device, non_blocking=True)
        return None if weight == 1 else logits.new_full((), weight)
