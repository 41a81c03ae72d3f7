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
        optimizer = torch.optim.SGD(
            self.groups(parameters), lr=self.lr, momentum=self.momentum, nesterov=self.nesterov, fused=True
        )
        # The fused kernel takes momentum of all parameters or of none, but those of a head whose part of the objective
        # ramps up from 0 get their first gradient later than others. A momentum of 0 makes the same first step as none.
        for parameter in (p for group in optimizer.param_groups for p in group["params"] if self.momentum):
            optimizer.state[parameter]["momentum_buffer"] = torch.zeros_like(parameter)
        return optimizer
