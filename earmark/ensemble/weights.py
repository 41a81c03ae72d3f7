"""Weights of members: the mixture that they make, and how well one ranks held-out clips."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from earmark.ensemble.scales import Mixture, Scale, linear, mixed, tied
from earmark.metrics import lwlrap

if TYPE_CHECKING:
    from earmark.core.manifest import Targets
    from earmark.ensemble.members import Members

Score = Callable[[NDArray[np.float64]], float]


@dataclass(frozen=True)
class Weighted:
    """A weighted mean of members on a scale; weights by name, summing to 1."""

    weights: Mapping[str, float]
    scale: Scale
    learnt: Mapping[str, Any] | None = None
    """What else a search found out."""

    @property
    def facts(self) -> Mapping[str, Any]:
        return {"weights": dict(self.weights), "scale": self.scale, **(self.learnt or {})}

    def __call__(self, members: Members) -> Mixture:
        return mixed(members, np.array([self.weights[name] for name in members.names]), self.scale)


def weighted(members: Members, weights: NDArray[np.float64], scale: Scale, **learnt: Any) -> Weighted:
    """A mixture with these weights, one a member in the members' order, brought to sum to 1."""
    shares = weights / weights.sum()
    by_name = {name: float(share) for name, share in zip(members.names, shares, strict=True)}
    return Weighted(by_name, scale, learnt or None)


def equal(members: Members, scale: Scale) -> Weighted:
    """A mixture in which all members count the same."""
    return weighted(members, np.ones(len(members)), scale)


def ranking(members: Members, targets: Targets, scale: Scale) -> Score:
    """The lwlrap of the mixture as a function of its weights, which need not sum to 1.

    Ties count as they would on average over all orders, so that the order of the classes decides nothing.
    """
    values = linear(members, scale)
    n_members, n_clips, n_classes = values.shape
    flat = np.ascontiguousarray(values.reshape(n_members, -1).T)

    def score(weights: NDArray[np.float64]) -> float:
        scores = (flat @ weights).reshape(n_clips, n_classes)
        scores = tied(scores) if scale == "rank" else scores
        return lwlrap(targets.values, scores, known=targets.known, ties="expected")

    return score
