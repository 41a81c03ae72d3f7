"""What every optimizer is: settings that build one of torch's for some parameters, and how a step of it goes.

A step asks for gradients when it needs them, which most do once and some twice. What an optimizer remembers lies in
torch's object alone, so that saving its state saves everything.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import Any

import torch
from pydantic import Field
from torch import Tensor, nn

from earmark.core.family import Member

Gradient = Callable[[], Tensor]
"""Works out the gradient at the parameters as they are, leaves it in their ``grad``, and gives its norm."""


class Optimizer(Member, ABC, family="optimizer"):
    """How weights follow gradients."""

    @property
    @abstractmethod
    def top_lr(self) -> float:
        """Learning rate where the schedule's factor is 1."""

    @abstractmethod
    def build(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """The optimizer for these parameters."""

    def step(self, optimizer: torch.optim.Optimizer, gradient: Gradient) -> None:
        """Change the parameters once.

        Args:
            optimizer: what `build` made, or its like in a framework's wrapping.
            gradient: the same clips and the same chance however often it is called.
        """
        gradient()
        optimizer.step()


class Plain(Optimizer, ABC):
    """An optimizer with a rate and a weight decay of its own."""

    lr: float = Field(3e-3, gt=0)
    """Learning rate where the schedule's factor is 1."""
    weight_decay: float = Field(0.0, ge=0)
    """L2 penalty, added to the gradient."""
    decay_norms: bool = True
    """Whether weight decay also holds for norms, biases and whatever else has fewer than two axes."""

    @property
    def top_lr(self) -> float:
        return self.lr

    def groups(self, parameters: Iterable[nn.Parameter]) -> list[dict[str, Any]]:
        """The parameters by their weight decay."""
        found = list(parameters)
        if self.decay_norms or self.weight_decay == 0:
            return [{"params": found, "weight_decay": self.weight_decay}]
        decayed, spared = [p for p in found if p.ndim > 1], [p for p in found if p.ndim <= 1]
        both = ({"params": decayed, "weight_decay": self.weight_decay}, {"params": spared, "weight_decay": 0.0})
        return [group for group in both if group["params"]]
