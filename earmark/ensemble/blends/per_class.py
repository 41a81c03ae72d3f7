"""A linear mixture for each class."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from earmark.ensemble.blends.blend import Blend, Mix, Track
from earmark.ensemble.scales import Mixture
from earmark.ensemble.stacking import learnable, said

if TYPE_CHECKING:
    from earmark.core.manifest import Targets
    from earmark.ensemble.members import Members


class PerClass(Blend, kind="per_class"):
    """For each class weights of its own on the members' log-odds, and an offset: per-class linear stacking.

    The weights begin at the plain mean and are pulled back to it, so that a class with few labels keeps the mean; those
    that have many may trust one member more than another. The idea is that of the qrfaction team (2019), whose stacker
    is a locally connected layer over models for each class that begins as the identity.
    """

    learns = True

    pull: float = Field(10.0, gt=0)
    """How strongly weights and offset are pulled to the plain mean: the weight of their squared distance from it beside
    the summed log loss of the clips, after log-odds are divided by their spread."""

    def _fit(self, members: "Members", targets: "Targets | None", track: Track) -> Mix:
        from scipy.optimize import minimize

        assert targets is not None
        values = said(members)
        n, _, n_classes = values.shape
        spread = float(values.std()) or 1.0
        weights, offsets = np.full((n, n_classes), 1 / n), np.zeros(n_classes)
        found = list(learnable(targets))
        for number in track(range(len(found)), len(found), "stack classes"):
            column, known, labels = found[number]
            z = values[:, known, column] / spread
            fitted = minimize(
                _loss,
                np.array([*np.full(n, 1 / n), 0.0]),
                args=(z, labels, spread, self.pull),
                jac=True,
                method="L-BFGS-B",
            ).x
            weights[:, column], offsets[column] = fitted[:n], fitted[n] * spread
        return Linear(members.names, members.classes, weights, offsets)


@dataclass(frozen=True, eq=False)
class Linear:
    """Weights [members, classes] and offsets [classes] of log-odds."""

    names: tuple[str, ...]
    classes: tuple[str, ...]
    weights: NDArray[np.float64]
    offsets: NDArray[np.float64]

    @property
    def facts(self) -> Mapping[str, Any]:
        return {
            "weights": dict(zip(self.names, self.weights.mean(axis=1).tolist(), strict=True)),
            "classes": {
                name: {"offset": float(self.offsets[column]), **dict(zip(self.names, row.tolist(), strict=True))}
                for column, (name, row) in enumerate(zip(self.classes, self.weights.T, strict=True))
            },
        }

    def __call__(self, members: "Members") -> Mixture:
        place = {name: column for column, name in enumerate(self.classes)}
        columns = [place[name] for name in members.classes]
        mean = np.einsum("mnc,mc->nc", said(members), self.weights[:, columns])
        return Mixture(mean + self.offsets[columns], "logit")


def _loss(
    parameters: NDArray[np.float64], z: NDArray[np.float64], labels: NDArray[np.float64], spread: float, pull: float
) -> tuple[float, NDArray[np.float64]]:
    """The summed log loss of a class with the pull, and its slope."""
    weights, offset = parameters[:-1], parameters[-1]
    logits = spread * (weights @ z + offset)
    apart = np.array([*(weights - 1 / len(weights)), offset])
    wrong = spread * (1 / (1 + np.exp(-np.clip(logits, -500, 500))) - labels)
    slope = np.array([*(z @ wrong), wrong.sum()]) + pull * apart
    value = np.logaddexp(0, logits).sum() - labels @ logits + pull / 2 * (apart @ apart)
    return float(value), slope
