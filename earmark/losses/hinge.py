"""Multi-label hinge loss: every label that is there must score above every one that is not, by a margin of 1."""

from jaxtyping import Bool, Float
from pydantic import Field
from torch import Tensor

from earmark.losses.loss import Loss, exact, only_known, refuse_soft


class Hinge(Loss, kind="hinge"):
    """The sum of max(0, 1 - (score of a present class - score of an absent one)), by the number of known classes.

    That of ``torch.nn.MultiLabelMarginLoss``, which wants lists of indices, here for rows of targets of which some may
    be unknown. Labels are there or not: soft targets are refused unless a ``threshold`` makes them hard.
    """

    threshold: float | None = Field(None, ge=0, lt=1)
    """Above which soft target a label counts as there (0: with any share of it); null: soft targets are refused."""

    @property
    def takes_soft(self) -> bool:
        return self.threshold is not None

    def __call__(
        self,
        logits: Float[Tensor, "batch classes"],
        targets: Float[Tensor, "batch classes"],
        known: Bool[Tensor, "batch classes"],
    ) -> Float[Tensor, " batch"]:
        if self.threshold is None:
            refuse_soft(targets, known, "the hinge loss; give it a `threshold`, for example 0.5")
        present = only_known(targets, known) > (0.5 if self.threshold is None else self.threshold)
        absent = known & ~present
        logits = exact(logits)
        gaps = (1 - logits[:, :, None] + logits[:, None, :]).clamp(min=0)
        pairs = present[:, :, None] & absent[:, None, :]
        return gaps.where(pairs, 0.0).sum(dim=(1, 2)) / known.sum(dim=1).clamp(min=1)
