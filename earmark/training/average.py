"""An exponential moving average of everything a network holds.

Parameters and floating-point buffers are averaged alike, so the batch statistics fit the averaged weights; counters
are copied. An average over parameters alone leaves its statistics at their initial values and is useless in
evaluation (a known fault of published mean-teacher snippets).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Average:
    """The moving average of a network's state."""

    def __init__(self, network: nn.Module, decay: float) -> None:
        """Start at the network as it is.

        Args:
            decay: how much of the average stays at each step, in (0, 1).
        """
        self.decay = decay
        self.state = {name: value.detach().clone() for name, value in network.state_dict().items()}

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Move towards the network; early steps move further, so that the start is soon forgotten."""
        decay = min(self.decay, (1 + step) / (10 + step))
        now = network.state_dict()
        floats = [name for name, value in self.state.items() if value.is_floating_point()]
        mine: list[Tensor] = [self.state[name] for name in floats]
        theirs: list[Tensor] = [now[name].detach() for name in floats]
        torch._foreach_lerp_(mine, theirs, 1 - decay)
        for name, value in self.state.items():
            if not value.is_floating_point():
                value.copy_(now[name])
