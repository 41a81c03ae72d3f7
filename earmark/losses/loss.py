"""What every loss is: a value that is called; and the few things that all of them do alike.

A loss sees logits, targets and what is known, never whose clips they are. Where curated and noisy clips are to be
judged differently, two parts of the objective do it, each with a loss of its own: one for each stream, or one for
each origin of a stream that has several.
"""

from abc import ABC, abstractmethod

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from earmark.core.errors import SettingsError
from earmark.core.family import Member

OUT = -1e30
"""Stands for minus infinity in sums of exponentials: its exponential is 0, and it makes no NaN."""


class Loss(Member, ABC, family="loss"):
    """A function of logits and targets with its settings."""

    @property
    def takes_soft(self) -> bool:
        """Whether targets between 0 and 1, as shares of a mixture or guesses are, mean something to it.

        A recipe that would give such targets to a loss that does not take them can be refused before it starts.
        """
        return True

    @property
    def scale_of_cosines(self) -> float | None:
        """By what cosines are multiplied to give the logits that it takes; none where any logits will do."""
        return None

    def check(self, n_classes: int) -> None:
        """Refuse a vocabulary that the settings do not fit.

        Raises:
            SettingsError: with what is wanted and what came.
        """

    @abstractmethod
    def __call__(
        self,
        logits: Float[Tensor, "batch classes"],
        targets: Float[Tensor, "batch classes"],
        known: Bool[Tensor, "batch classes"],
    ) -> Float[Tensor, " batch"]:
        """One number a clip; targets that are not known have no say, and a clip of which none is known gives 0."""


def exact(logits: Float[Tensor, "batch classes"]) -> Float[Tensor, "batch classes"]:
    """The logits in float32 at least: half precision has too few digits for sums over many classes.

    >>> exact(torch.zeros(1, 2, dtype=torch.bfloat16)).dtype, exact(torch.zeros(1, 2, dtype=torch.float64)).dtype
    (torch.float32, torch.float64)
    """
    return logits.to(torch.promote_types(logits.dtype, torch.float32))


def only_known(targets: Float[Tensor, "batch classes"], known: Bool[Tensor, "batch classes"]) -> Tensor:
    """The targets, with 0 where nobody knows: what stands there may be anything, even no number."""
    return targets.where(known, 0.0)


def mean_of_known(losses: Float[Tensor, "batch classes"], known: Bool[Tensor, "batch classes"]) -> Tensor:
    """The mean over the known classes of each clip, [batch]; 0 where there is none.

    >>> mean_of_known(torch.tensor([[1.0, 3.0, 9.0]]), torch.tensor([[True, True, False]])).tolist()
    [2.0]
    """
    return losses.where(known, 0.0).sum(dim=1) / known.sum(dim=1).clamp(min=1)


def refuse_soft(targets: Float[Tensor, "batch classes"], known: Bool[Tensor, "batch classes"], what: str) -> None:
    """Complain of targets between 0 and 1, where looking at them costs nothing.

    On a processor it does. Elsewhere a look would make the step wait for the device, so none is taken: there it is
    the recipe that must not bring such targets here.

    Args:
        what: how the message calls the loss, and what to do.

    Raises:
        SettingsError: some known target is neither 0 nor 1.
    """
    if targets.device.type == "cpu" and bool(((targets > 0) & (targets < 1) & known).any()):
        raise SettingsError(f"targets of 0 or 1 were wanted and soft ones came, which mean nothing to {what}")
