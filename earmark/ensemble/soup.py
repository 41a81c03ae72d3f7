"""Weight soups: the mean of the weights of several networks of one shape, used as one network.

Wortsman et al. (2022) average fine-tuned networks that began at the same weights; snapshots of one training qualify
too. Networks of trainings that began at different random weights mean nothing on average. Parameters and floating-point
buffers are averaged alike, counters are taken from the first network. A mean of batch-norm statistics does not fit a
mean of weights: take them anew over clips (Izmailov et al. 2018) before the soup is used or judged.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from earmark.core.errors import RunError
from earmark.runs.checkpoints import must_fit

State = Mapping[str, Tensor]


@dataclass(frozen=True, eq=False)
class Soup:
    """A mean of weights, and how it came about."""

    tensors: dict[str, Tensor]
    taken: tuple[str, ...]
    """The names of the networks in it, in the order in which they were taken."""
    score: float | None = None
    """The score by which they were taken, where there was one."""


def mean_of(states: Sequence[State]) -> dict[str, Tensor]:
    """The mean of every tensor, worked out in float64.

    Raises:
        RunError: there is none, or they are of different networks.
    """
    if not states:
        raise RunError("a soup needs the weights of at least one network, got none; name some")
    first = states[0]
    for other in states[1:]:
        must_fit(first, other)
    made = {}
    for name, value in first.items():
        if value.is_floating_point():
            made[name] = torch.stack([state[name].double() for state in states]).mean(dim=0).to(value.dtype)
        else:
            made[name] = value.clone()
    return made


def uniform(states: Mapping[str, State]) -> Soup:
    """The mean of all networks, by name."""
    return Soup(mean_of(list(states.values())), tuple(states))


def greedy(states: Mapping[str, State], score: Callable[[dict[str, Tensor]], float]) -> Soup:
    """Takes networks in turn, the best first, each that does not make the mean worse.

    Args:
        states: the networks by name.
        score: how good a network with these weights is, on clips that none of them has learnt from; it is asked once
            for each network alone and once for each mean.
    """
    mean_of(list(states.values()))  # refuse strangers before anything is scored
    alone = {name: score(dict(states[name])) for name in sorted(states)}
    order = sorted(alone, key=lambda name: (-alone[name], name))
    taken, best = [order[0]], alone[order[0]]
    for name in order[1:]:
        found = score(mean_of([states[other] for other in (*taken, name)]))
        if found >= best:
            taken, best = [*taken, name], found
    return Soup(mean_of([states[name] for name in taken]), tuple(taken), best)
