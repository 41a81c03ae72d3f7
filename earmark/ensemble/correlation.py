"""How alike members are, and leaving out those that say what another says already."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from jaxtyping import Float64
from numpy.typing import NDArray
from pydantic import Field

from earmark.core.settings import Settings
from earmark.ensemble.scales import Scale, linear
from earmark.metrics import lwlrap

if TYPE_CHECKING:
    from earmark.core.manifest import Targets
    from earmark.ensemble.members import Members


class Pruning(Settings):
    """Leaves out members whose scores correlate too much with those of a member that stays.

    The rftexas team (2019) chose the members of its ensemble so, by Pearson's coefficient over whole tables of scores,
    without naming a bound. Members are taken in order, the one that alone scores best on the held-out clips first (by
    name where no labels are given), and each stays that is not too much like any before it.
    """

    above: float = Field(0.98, gt=-1, le=1)
    """Correlation above which the worse of two members is left out."""
    scale: Scale = "logit"
    """What is correlated."""


class Pruned(NamedTuple):
    """Which members stay, and why the others do not."""

    kept: tuple[str, ...]
    dropped: dict[str, tuple[str, float]]
    """Left out: because of whom, and how much they correlate."""


def correlations(members: "Members", scale: Scale = "logit") -> Float64[np.ndarray, "members members"]:
    """Pearson's correlation of the scores of each two members, over all clips and classes.

    A member that says the same of everything correlates with nobody (0), and with itself fully.
    """
    flat = linear(members, scale).reshape(len(members), -1)
    apart = flat - flat.mean(axis=1, keepdims=True)
    length = np.linalg.norm(apart, axis=1)
    unit = apart / np.where(length > 0, length, 1.0)[:, None]
    found = np.clip(unit @ unit.T, -1.0, 1.0)
    np.fill_diagonal(found, 1.0)
    return np.asarray(found, dtype=np.float64)


def pruned(members: "Members", settings: Pruning, targets: "Targets | None" = None) -> Pruned:
    """The members that stay.

    Args:
        targets: the labels of the clips, which say who is best.
    """
    matrix = correlations(members, settings.scale)
    kept: list[int] = []
    dropped: dict[str, tuple[str, float]] = {}
    for row in _best_first(members, targets):
        alike = max(kept, key=lambda other: matrix[row, other], default=None)
        if alike is not None and matrix[row, alike] > settings.above:
            dropped[members.names[row]] = (members.names[alike], float(matrix[row, alike]))
        else:
            kept.append(row)
    return Pruned(tuple(members.names[row] for row in sorted(kept)), dropped)


def _best_first(members: "Members", targets: "Targets | None") -> NDArray[np.int64]:
    if targets is None or not (targets.values * targets.known).any():
        return np.arange(len(members))
    own = [lwlrap(targets.values, table, known=targets.known, ties="expected") for table in members.scores]
    return np.argsort(-np.array(own), kind="stable")
