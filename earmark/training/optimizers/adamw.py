"""Adam whose weight decay shrinks the weights themselves."""

from collections.abc import Iterable

import torch
from pydantic import Field
from torch import nn

from earmark.training.optimizers.optimizer import Plain


class AdamW(Plain, kind="adamw"):
    """Adam with decoupled weight decay (I. Loshchilov and F. Hutter, 2019), fused where it can be."""

    weight_decay: float = Field(0.01, ge=0)
    """By how much of themselves, times the learning rate, weights shrink in a step."""
    betas: tuple[float, float] = (0.9, 0.999)
    """Decay of the running mean and of the running square of the gradient."""
    eps: float = Field(1e-8, gt=0)
    """Added to the root of the running square."""
    amsgrad: bool = False
    """Whether the largest running square so far is used (S. J. Reddi et al., 2018)."""

    def build(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        return torch.optim.AdamW(
            self.groups(parameters), lr=self.lr, betas=self.betas, eps=self.eps, amsgrad=self.amsgrad, fused=True
        )
