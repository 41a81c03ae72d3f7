"""Forwards that are not the student's own: of a teacher, an adversary, a guess.

They leave no trace. Batch-norm statistics stay as they are, dropout of the forwards that follow falls as if there had
been none, and in half precision no weight is left behind that was cast without a graph: autocast keeps casts for the
whole forward, and a later one that took them would have no gradient.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from earmark.core.batch import Batch
from earmark.core.chance import Chance
from earmark.models.dropout import drawn_by
from earmark.models.statistics import statistics_held

if TYPE_CHECKING:
    from earmark.models.network import Network


@contextmanager
def as_in_use(network: nn.Module) -> Iterator[None]:
    """The network as the tagger has it: no dropout, and normalised by its running statistics."""
    learning = [module for module in network.modules() if module.training]
    for module in learning:
        module.training = False
    try:
        yield
    finally:
        for module in learning:
            module.training = True


@contextmanager
def without_gradient() -> Iterator[None]:
    """No graph, also none that is missing later on."""
    with torch.no_grad():
        yield
    torch.clear_autocast_cache()


def guess(network: Network, seen: Batch, chance: Chance, head: str = "main", *, use: bool = True) -> Tensor:
    """Logits of a network for clips that the view has made, without gradient and without trace, [batch, classes].

    Args:
        chance: names the dropout of this forward.
        use: whether the network answers as in use, or as in training (with dropout and statistics of the batch).
    """
    device = seen.values.device
    with without_gradient(), drawn_by(chance, device), as_in_use(network) if use else statistics_held(network):
        logits: Tensor = network(seen, head)
        return logits
