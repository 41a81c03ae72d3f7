"""Adam and its kin."""

from collections.abc import Iterable

import torch
from pydantic import Field
from torch import nn

from earmark.training.optimizers.optimizer import Optimizer


class Adam(Optimizer, kind="adam"):
    """Adam (Kingma & Ba 2015), with the fused kernel where there is one."""

    betas: tuple[float, float] = (0.9, 0.999)
    """Decay of the running mean and of the running square of the gradient."""
    eps: float = Field(1e-8, gt=0)
    """Added to the root of the running square."""
    weight_decay: float = Field(0.0, ge=0)
    """L2 penalty added to the gradient, or with ``decoupled`` a shrinking of the weights."""
    decoupled: bool = False
    """Whether weight decay acts on the weights themselves (AdamW, Loshchilov & Hutter 2019)."""
    amsgrad: bool = False
    """Whether the largest running square so far is used (Reddi et al. 2018)."""

    def build(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        return torch.optim.Adam(
            parameters,
            lr=self.lr,
            betas=self.betas,
            eps=self.eps,
            weight_decay=self.weight_decay,
            amsgrad=self.amsgrad,
            fused=True,
            decoupled_weight_decay=self.decoupled,
        )
