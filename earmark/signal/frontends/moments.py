"""Counts, means and squared deviations that can be joined: statistics of any amount of data in one pass.

Everything is float64 on the CPU, [groups, channels, bands or 1, 1]; joining is exact up to rounding, in any order
(T. F. Chan, G. H. Golub, R. J. LeVeque, "Updating formulae and a pairwise algorithm for computing sample variances",
1979).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from earmark.dsp.padding import signal_of


@dataclass(frozen=True, slots=True)
class Moments:
    """How many values were seen in each group, their mean, and the sum of squares of their deviations from it."""

    n: Float[Tensor, "groups 1 1 1"]
    mean: Float[Tensor, "groups channels bands 1"]
    squares: Float[Tensor, "groups channels bands 1"]

    @classmethod
    def of(
        cls,
        values: Float[Tensor, "batch channels freq time"],
        lengths: Int[Tensor, " batch"],
        groups: Int[Tensor, " batch"],
        n_groups: int,
        per_band: bool,
    ) -> Moments:
        """The moments of the signal frames of a batch, over time and, unless ``per_band``, over frequency too."""
        axes = (3,) if per_band else (2, 3)
        values, lengths, groups = values.detach().to("cpu", torch.float64), lengths.cpu(), groups.cpu()
        noise = ~signal_of(values, lengths)
        n = (lengths * (1 if per_band else values.shape[2])).double().view(-1, 1, 1, 1)
        mean = values.masked_fill(noise, 0.0).sum(axes, keepdim=True) / n.clamp(min=1)
        squares = (values - mean).masked_fill(noise, 0.0).square().sum(axes, keepdim=True)
        found = [cls(n[groups == g], mean[groups == g], squares[groups == g]).pooled() for g in range(n_groups)]
        return cls(*(torch.cat([getattr(each, part) for each in found]) for part in ("n", "mean", "squares")))

    def pooled(self) -> Moments:
        """All groups as one."""
        n = self.n.sum(0, keepdim=True)
        mean = (self.n * self.mean).sum(0, keepdim=True) / n.clamp(min=1)
        squares = (self.squares + self.n * (self.mean - mean).square()).sum(0, keepdim=True)
        return Moments(n, mean, squares)

    def joined(self, other: Moments) -> Moments:
        """What both have seen, group by group."""
        n = self.n + other.n
        apart = other.mean - self.mean
        mean = self.mean + apart * (other.n / n.clamp(min=1))
        squares = self.squares + other.squares + apart.square() * (self.n * other.n / n.clamp(min=1))
        return Moments(n, mean, squares)

    def filled(self) -> Moments:
        """The same, where groups that saw nothing take what all groups saw together."""
        together = self.pooled()
        seen = self.n > 0
        parts = ((getattr(self, part), getattr(together, part)) for part in ("n", "mean", "squares"))
        return Moments(*(torch.where(seen, own, pool) for own, pool in parts))

    @property
    def std(self) -> Float[Tensor, "groups channels bands 1"]:
        """The standard deviation of the values seen (divided by n, not n - 1)."""
        return (self.squares / self.n.clamp(min=1)).sqrt()
