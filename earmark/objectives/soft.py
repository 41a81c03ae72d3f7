"""Losses that guesses may be held against: a guess is seldom yes or no."""

from typing import Annotated

from pydantic import AfterValidator

from earmark.losses.loss import Loss


def _takes_soft(loss: Loss) -> Loss:
    if not loss.takes_soft:
        raise ValueError(
            f"loss '{loss.kind}' takes labels that are there or not, but guesses lie in between; take bce or mse, or "
            "give it a threshold if it has one"
        )
    return loss


SoftLoss = Annotated[Loss, AfterValidator(_takes_soft)]
"""A loss that takes targets between 0 and 1."""
