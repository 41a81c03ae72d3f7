"""Sharpness-aware minimisation: around any other optimizer."""

from collections.abc import Iterable

import torch
from pydantic import Field
from torch import Tensor, nn

from earmark.training.optimizers.optimizer import Gradient, Optimizer
from earmark.training.optimizers.sgd import SGD


class SAM(Optimizer, kind="sam"):
    """Steps by the gradient at the worst place nearby, so as to end where it is flat (P. Foret et al., 2021).

    Each step climbs by ``rho`` along the gradient, works out the gradient there, goes back, and lets ``base`` step by
    it: two passes a step, so about half the speed.
    """

    rho: float = Field(0.05, gt=0)
    """How far a step climbs, as the norm over all weights."""
    base: Optimizer = SGD()
    """The optimizer that steps; the learning rate is its."""

    @property
    def top_lr(self) -> float:
        return self.base.top_lr

    def build(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        return self.base.build(parameters)

    def step(self, optimizer: torch.optim.Optimizer, gradient: Gradient) -> None:
        gradient()
        parameters: list[Tensor] = [p for g in optimizer.param_groups for p in g["params"] if p.grad is not None]
        before = [p.detach().clone() for p in parameters]
        self._climb(parameters)

        def there() -> Tensor:
            norm = gradient()
            with torch.no_grad():
                torch._foreach_copy_(parameters, before)  # the very bits, which adding and subtracting would not give
            return norm

        self.base.step(optimizer, there)

    @torch.no_grad()
    def _climb(self, parameters: list[Tensor]) -> None:
        gradients = [p.grad for p in parameters if p.grad is not None]
        norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients)))
        torch._foreach_add_(parameters, torch._foreach_mul(gradients, self.rho / (norm + 1e-12)))
