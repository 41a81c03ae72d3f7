"""Kullback-Leibler divergence of a softmax: the classes of a clip share one probability."""

from typing import Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from earmark.losses.loss import OUT, Loss, exact, only_known


class SoftmaxKL(Loss, kind="softmax_kl"):
    """The divergence of the softmax over the known classes from the targets.

    A net trained so answers "which of them, above all", as most clips have one label; its scores are read through a
    softmax. A clip without a label loses 0.

    Akiyama and Sato (2019) train their waveform nets with it, by the mean over classes: ``reduction: mean``. Their
    program takes targets as they are, ``normalise: false``; with two labels in a clip these are no distribution and
    count twice.
    """

    normalise: bool = True
    """Whether the known targets of each clip are scaled to sum to 1."""
    reduction: Literal["sum", "mean"] = "sum"
    """Over the known classes of a clip."""

    def __call__(
        self,
        logits: Float[Tensor, "batch classes"],
        targets: Float[Tensor, "batch classes"],
        known: Bool[Tensor, "batch classes"],
    ) -> Float[Tensor, " batch"]:
        targets = only_known(targets, known)
        if self.normalise:
            targets = targets / targets.sum(dim=1, keepdim=True).clamp(min=torch.finfo(targets.dtype).tiny)
        logs = exact(logits).masked_fill(~known, OUT).log_softmax(dim=1)
        lost = (torch.xlogy(targets, targets) - targets * logs).sum(dim=1)
        return lost / known.sum(dim=1).clamp(min=1) if self.reduction == "mean" else lost
