"""LSEP, the log-sum-exp of pairs: labels that are there must score above those that are not; levels mean nothing."""

from typing import Any, Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional as F

from earmark.losses.loss import OUT, Loss, exact, only_known, refuse_soft


class LSEP(Loss, kind="lsep"):
    """log(1 + sum of exp(score of the lesser - score of the greater)) over pairs of known classes with unlike targets.

    A smooth measure of the pairs in the wrong order, mostly of the worst of them. Like lwlrap it asks for the order of
    the classes within a clip and not for levels; so its scores need a calibration before they are read as
    probabilities. A clip whose known targets are all alike has no pair and loses 0.

    Source: Li, Song, Luo, "Improving pairwise ranking for multi-label image classification", 2017.
    """

    form: Literal["graded", "factorised"] = "graded"
    """``graded``: any two different targets are a pair, so that shares of a mixture are ranked among each other.
    ``factorised``: targets are 0 or 1 and the sum is a product of two, which needs no sorting."""

    @property
    def takes_soft(self) -> bool:
        return self.form == "graded"

    def __call__(
        self,
        logits: Float[Tensor, "batch classes"],
        targets: Float[Tensor, "batch classes"],
        known: Bool[Tensor, "batch classes"],
    ) -> Float[Tensor, " batch"]:
        if self.form == "factorised":
            refuse_soft(targets, known, "LSEP in factorised form; use `form: graded`")
            return _factorised(exact(logits), only_known(targets, known) > 0.5, known)
        lost: Tensor = _Graded.apply(exact(logits), only_known(targets, known), known)  # type: ignore[no-untyped-call]
        return lost


def _factorised(logits: Tensor, present: Tensor, known: Tensor) -> Tensor:
    wrong = logits.masked_fill(present | ~known, OUT).logsumexp(dim=1)
    right = (-logits).masked_fill(~present, OUT).logsumexp(dim=1)
    return F.softplus(wrong + right)


class _Graded(torch.autograd.Function):
    """The sum over all pairs without making them: sorted by target, whatever is less than a class lies before it.

    With l[a] the log-sum-exp of the scores of lesser classes and u[b] that of the negated scores of greater ones, the
    loss is log(1 + sum of exp(l[a] - s[a])) and its gradient exp(u[b] + s[b] - loss) - exp(l[b] - s[b] - loss). Written
    out, because the general rule would add up gradients in no fixed order on a GPU.
    """

    @staticmethod
    def forward(ctx: Any, logits: Tensor, targets: Tensor, known: Tensor) -> Tensor:
        targets, order = targets.masked_fill(~known, -torch.inf).sort(dim=1, stable=True)
        known, scores = known.gather(1, order), logits.gather(1, order)
        first = torch.searchsorted(targets, targets)
        after = torch.searchsorted(targets, targets, right=True)
        lesser = _running(scores.masked_fill(~known, OUT)).gather(1, first)
        greater = _running((-scores).masked_fill(~known, OUT).flip(1)).flip(1).gather(1, after)
        falling = (lesser - scores).masked_fill(~known, OUT)
        rising = (greater + scores).masked_fill(~known, OUT)
        loss = F.softplus(falling.logsumexp(dim=1))
        slopes = (rising - loss[:, None]).exp() - (falling - loss[:, None]).exp()
        ctx.save_for_backward(torch.empty_like(slopes).scatter_(1, order, slopes))
        return loss

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor, None, None]:
        (slopes,) = ctx.saved_tensors
        return slopes * upstream[:, None], None, None


def _running(scores: Tensor) -> Tensor:
    """The log-sum-exp of the first 0, 1, 2, ... of each row."""
    return torch.logcumsumexp(F.pad(scores, (1, 0), value=OUT), dim=1)
