"""What every optimizer is: settings that build it for some parameters."""

from abc import ABC, abstractmethod
from collections.abc import Iterable

import torch
from pydantic import Field
from torch import nn

from earmark.core.family import Member


class Optimizer(Member, ABC, family="optimizer"):
    """Settings of an optimizer."""

    lr: float = Field(3e-3, gt=0)
    """Learning rate where the schedule's factor is 1."""

    @abstractmethod
    def build(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """The optimizer for these parameters."""
