"""Generalised cross-entropy, L_q: between cross-entropy, which learns fast, and absolute error, which forgives."""

from typing import Literal

import torch
from jaxtyping import Bool, Float
from pydantic import Field
from torch import Tensor
from torch.nn import functional as F

from earmark.losses.loss import OUT, Loss, exact, mean_of_known, only_known


class Lq(Loss, kind="lq"):
    """(1 - p^q) / q, where p is the probability of the right answer: a label that the net does not believe pulls less.

    Meant for labels that may be wrong. Towards ``q`` 0 it is cross-entropy, with ``q`` 1 absolute error. To use it for
    noisy clips only, give them a part of the objective of their own.

    Source: Zhang, Sabuncu, "Generalized cross entropy loss for training deep neural networks with noisy labels", 2018,
    where clips have one label each. ``over`` says how it is carried over to clips with several.
    """

    q: float = Field(0.5, gt=0, le=1)
    """How forgiving it is."""
    over: Literal["classes", "labels", "best"] = "classes"
    """``classes``: each known class is a yes-or-no question; the mean is taken.
    ``labels``: only labels that are there count, by the number of known classes: absent ones teach nothing, which is
    what early code of Baikulov (2019) amounts to. Use it only beside something that keeps absent classes down.
    ``best``: of the labels that are there only the most probable (weighted by its target) counts, as in Fonseca, Font
    and Serra (2019) and in Baikulov's later code; a clip without labels loses 0."""

    def __call__(
        self,
        logits: Float[Tensor, "batch classes"],
        targets: Float[Tensor, "batch classes"],
        known: Bool[Tensor, "batch classes"],
    ) -> Float[Tensor, " batch"]:
        logits, targets = exact(logits), only_known(targets, known)
        yes = F.logsigmoid(logits)
        if self.over == "best":
            best = (yes + targets.log()).where(targets > 0, OUT).amax(dim=1)
            return self._lost(best).where((targets > 0).any(dim=1), 0.0)
        losses = targets * self._lost(yes)
        if self.over == "classes":
            losses = losses + (1 - targets) * self._lost(F.logsigmoid(-logits))
        return mean_of_known(losses, known)

    def _lost(self, log_p: Tensor) -> Tensor:
        return -torch.expm1(self.q * log_p) / self.q
