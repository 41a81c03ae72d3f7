"""How often each class was guessed lately: sums over the batches of the training that fade, kept as state.

In one batch most classes are missing because none of its clips has them. Over some fifty batches, a class that is
hardly ever guessed is one that the guesses have forgotten; where even then only few labels of it were to be expected,
nothing is said of it. What is counted are the guesses that were learnt from, so that a training which goes on after a
break says the same as one without.
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from earmark.objectives.memory import of_all_processes

STAYS = 0.98
"""How much of the sums stays at each forward."""
HARDLY = 0.1
"""A class that is guessed less than this share of what its prior leads to expect is hardly ever guessed."""
ENOUGH = 5.0
"""The fewest labels of a class that must be expected before it means anything that there are none."""


class Tally(nn.Module):
    """Fading sums of what was guessed; of several processes, of what all of them did."""

    counts: Tensor

    def __init__(self, n_classes: int = 0) -> None:
        """Nothing was guessed yet."""
        super().__init__()
        self.register_buffer("counts", torch.zeros(n_classes + 1))

    def moved(self, told: Float[Tensor, " one_more"]) -> Tensor:
        """What the counts would be with these."""
        return self.counts * STAYS + told

    @torch.no_grad()
    def take(self, told: Float[Tensor, " one_more"]) -> None:
        """Take in the counts of a batch."""
        self.counts.copy_(self.moved(of_all_processes(told[None]).sum(dim=0)))


@torch.no_grad()
def counted(guesses: Float[Tensor, "batch classes"]) -> Float[Tensor, " one_more"]:
    """The labels of each class in a batch by its guesses and, behind them, the number of clips.

    >>> counted(torch.tensor([[0.5, 1.0], [0.25, 0.0]]))
    tensor([0.7500, 1.0000, 2.0000])
    """
    guesses = guesses.detach().float()
    return torch.cat([guesses.sum(dim=0), guesses.new_full((1,), len(guesses))])


def forgotten(counts: Float[Tensor, " one_more"], prior: Float[Tensor, " classes"]) -> Bool[Tensor, " classes"]:
    """Which classes are hardly ever guessed, though enough of them was to be expected.

    >>> forgotten(torch.tensor([0.9, 1.1, 0.0, 100.0]), torch.tensor([0.1, 0.1, 0.01])).tolist()
    [True, False, False]
    """
    expected = prior * counts[-1]
    return (expected >= ENOUGH) & (counts[:-1] < HARDLY * expected)


def unguessed(counts: Float[Tensor, " one_more"], prior: Float[Tensor, " classes"]) -> Float[Tensor, ""]:
    """The share of the classes, of those that are there at all, that are hardly ever guessed."""
    return forgotten(counts, prior).sum() / (prior > 0).sum().clamp(min=1)


def least_guessed(
    counts: Float[Tensor, " one_more"], prior: Float[Tensor, " classes"], classes: tuple[str, ...], most: int = 3
) -> tuple[str, ...]:
    """Those that are guessed least of the classes that hardly ever are, beside what was to be expected.

    Args:
        most: how many are named.

    >>> least_guessed(torch.tensor([0.9, 0.1, 9.0, 100.0]), torch.tensor([0.1, 0.1, 0.1]), ("Bark", "Rain", "Wind"))
    ('Rain', 'Bark')
    """
    found = forgotten(counts, prior)
    reached = (counts[:-1] / (prior * counts[-1]).clamp(min=1e-8)).masked_fill(~found, torch.inf)
    order = reached.argsort(stable=True)[: min(most, int(found.sum()))]
    return tuple(classes[place] for place in order.tolist())
