"""Adam with Nesterov's momentum."""

from collections.abc import Iterable

import torch
from pydantic import Field
from torch import nn

from earmark.training.optimizers.optimizer import Plain


class NAdam(Plain, kind="nadam"):
    """Adam that looks ahead along its momentum (T. Dozat, 2016)."""

    lr: float = Field(5e-4, gt=0)
    """Learning rate where the schedule's factor is 1."""
    betas: tuple[float, float] = (0.9, 0.999)
    """Decay of the running mean and of the running square of the gradient."""
    eps: float = Field(1e-8, gt=0)
    """Added to the root of the running square."""
    momentum_decay: float = Field(4e-3, ge=0)
    """How fast the momentum rises to its full value over the steps."""
    decoupled: bool = False
    """Whether weight decay shrinks the weights themselves, as in AdamW, rather than being added to the gradient."""

    def build(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        return torch.optim.NAdam(
            self.groups(parameters),
            lr=self.lr,
            betas=self.betas,
            eps=self.eps,
            momentum_decay=self.momentum_decay,
            decoupled_weight_decay=self.decoupled,
        )
