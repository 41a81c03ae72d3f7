"""The root of the laws by which the share of a clip in its mixture is drawn."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor

from earmark.core.family import Member


class Share(Member, ABC, family="share"):
    """How much of itself a clip keeps when it is mixed; the partner gets the rest."""

    @abstractmethod
    def draw(self, n: int, chance: torch.Generator) -> Tensor:
        """One share in [0, 1] for each of n clips, on the CPU."""
