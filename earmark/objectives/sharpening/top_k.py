"""The most likely classes are there."""

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor

from earmark.objectives.sharpening.sharpening import Sharpening


class TopK(Sharpening, kind="top_k"):
    """The ``k`` most likely classes of each clip become 1, however likely they are.

    Proposed (untried) in a blog on semi-supervised learning for Freesound Audio Tagging 2019, because nets that are
    seldom sure name no class by a threshold. With ``others: zero`` and ``k: 1`` it is the one-hot pseudo label of
    D.-H. Lee (2013). Of classes that are equally likely the first counts.
    """

    k: int = Field(1, ge=1)
    """How many; all of them where there are fewer classes."""
    others: Literal["kept", "zero"] = "kept"
    """What becomes of the other classes: they are kept as guessed, or become 0."""

    def __call__(self, guesses: Tensor) -> Tensor:
        k = min(self.k, guesses.shape[1])
        first = guesses.argsort(dim=1, descending=True, stable=True)[:, :k]
        start = guesses if self.others == "kept" else torch.zeros_like(guesses)
        return start.scatter(1, first, 1.0)
