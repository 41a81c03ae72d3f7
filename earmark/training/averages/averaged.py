"""An average of everything a network holds, at work.

Parameters and floating-point buffers are averaged alike, so the batch statistics fit the averaged weights; counters
are copied. An average over parameters alone leaves its statistics at their initial values and is useless in
evaluation (a known fault of published mean-teacher snippets).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from earmark.schedules.schedule import Place
from earmark.training.averages.average import Average


class Averaged:
    """The average of a network's state over the steps."""

    def __init__(self, network: nn.Module, settings: Average) -> None:
        """Start at the network as it is."""
        self.settings = settings
        self.n_taken = 0
        self.state = {name: value.detach().clone() for name, value in network.state_dict().items()}

    @torch.no_grad()
    def update(self, network: nn.Module, place: Place) -> None:
        """Move towards the network as far as the settings say."""
        share = self.settings.share(place, self.n_taken)
        if share == 0:
            return
        self.n_taken += 1
        now = network.state_dict()
        floats = [name for name, value in self.state.items() if value.is_floating_point()]
        mine: list[Tensor] = [self.state[name] for name in floats]
        theirs: list[Tensor] = [now[name].detach() for name in floats]
        torch._foreach_lerp_(mine, theirs, share)
        for name, value in self.state.items():
            if not value.is_floating_point():
                value.copy_(now[name])
