"""The net that stacks: a gate over its input, and two hidden layers."""

from __future__ import annotations

import torch
from torch import Tensor, nn

_SQUEEZE = 16


class Gate(nn.Module):
    """Each feature times a number in (0, 1) that all features of the clip decide."""

    def __init__(self, n_features: int) -> None:
        super().__init__()
        n_squeezed = max(1, n_features // _SQUEEZE)
        self.decide = nn.Sequential(nn.Linear(n_features, n_squeezed), nn.PReLU(), nn.Linear(n_squeezed, n_features))

    def forward(self, values: Tensor) -> Tensor:
        return values * torch.sigmoid(self.decide(values))


def stacking_net(n_features: int, n_classes: int, hidden: int, dropout: float, starts_at_nothing: bool) -> nn.Module:
    """A net from features [clips, features] to logits [clips, classes]."""
    last = nn.Linear(hidden, n_classes)
    if starts_at_nothing:
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
    return nn.Sequential(
        Gate(n_features),
        nn.Linear(n_features, 2 * hidden),
        nn.PReLU(),
        nn.Dropout(dropout),
        nn.Linear(2 * hidden, hidden),
        nn.PReLU(),
        nn.Dropout(dropout),
        last,
    )
