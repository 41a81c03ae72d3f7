"""Adam."""

from collections.abc import Iterable

import torch
from pydantic import Field
from torch import nn

from earmark.training.optimizers.optimizer import Plain


class Adam(Plain, kind="adam"):
    """Adam (D. P. Kingma and J. Ba, 2015), with the fused kernel where there is one."""

    betas: tuple[float, float] = (0.9, 0.999)
    """Decay of the running mean and of the running square of the gradient."""
    eps: float = Field(1e-8, gt=0)
    """Added to the root of the running square."""
    amsgrad: bool = False
    """Whether the largest running square so far is used (S. J. Reddi et al., 2018)."""

    def build(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        return torch.optim.Adam(
            self.groups(parameters), lr=self.lr, betas=self.betas, eps=self.eps, amsgrad=self.amsgrad, fused=True
        )
