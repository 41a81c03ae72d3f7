"""Stochastic gradient descent."""

from collections.abc import Iterable
from typing import Self

import torch
from pydantic import Field, model_validator
from torch import nn

from earmark.training.optimizers.optimizer import Plain


class SGD(Plain, kind="sgd"):
    """Stochastic gradient descent with momentum, by default that of Nesterov (I. Sutskever et al., 2013)."""

    lr: float = Field(0.01, gt=0)
    """Learning rate where the schedule's factor is 1."""
    momentum: float = Field(0.9, ge=0, lt=1)
    """How much of the last change is made again."""
    nesterov: bool = True
    """Whether the gradient counts as if the momentum had been followed already."""

    @model_validator(mode="after")
    def _nesterov_has_momentum(self) -> Self:
        if self.nesterov and self.momentum == 0:
            raise ValueError("nesterov looks ahead along a momentum, but momentum is 0; set nesterov to false as well")
        return self

    def build(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        return torch.optim.SGD(
            self.groups(parameters), lr=self.lr, momentum=self.momentum, nesterov=self.nesterov, fused=True
        )
