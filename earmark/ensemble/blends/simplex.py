"""Weights on the simplex."""

from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from earmark.core.errors import SettingsError
from earmark.ensemble.blends.blend import Blend, Mix, Track
from earmark.ensemble.scales import linear
from earmark.ensemble.weights import weighted

if TYPE_CHECKING:
    from earmark.core.manifest import Targets
    from earmark.ensemble.members import Members

_TINY = 1e-7


class Simplex(Blend, kind="simplex"):
    """Weights that are not negative, sum to 1 and make the loss on held-out clips least.

    The losses are convex in the weights, so there is one best mixture and a member that is noise gets nothing: no
    search that can be unlucky, unlike one for lwlrap itself. But what is least is the loss, not the order.
    Source: van der Laan, Polley and Hubbard 2007 (the convex form of their super learner).
    """

    learns = True

    scale: Literal["probability", "logit"] = "probability"
    """What is averaged."""
    loss: Literal["log", "squared"] = "log"
    """log: the cross-entropy of labels and chances; squared: their squared distance."""
    n_steps: int = Field(300, ge=1)
    """Most steps of the search (SLSQP)."""

    def _fit(self, members: "Members", targets: "Targets | None", track: Track) -> Mix:
        from scipy.optimize import minimize

        assert targets is not None
        if self.scale == "logit" and self.loss == "squared":
            raise SettingsError("blend 'simplex' has the squared loss for chances alone; set scale: probability")
        labels = targets.values[targets.known].astype(np.float64)
        values = linear(members, self.scale)[:, targets.known]
        n = len(members)

        def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
            value, slope = self._loss(weights @ values, labels)
            return value, values @ slope

        found = minimize(
            loss,
            np.full(n, 1 / n),
            jac=True,
            method="SLSQP",
            bounds=[(0.0, 1.0)] * n,
            constraints=[{"type": "eq", "fun": lambda w: w.sum() - 1, "jac": lambda w: np.ones(n)}],
            options={"maxiter": self.n_steps, "ftol": 1e-10},
        )
        return weighted(members, np.clip(found.x, 0.0, 1.0), self.scale, held_out_loss=float(found.fun))

    def _loss(self, mean: NDArray[np.float64], labels: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        """The mean loss, and its slope along each mean."""
        if self.loss == "squared":
            return float(((mean - labels) ** 2).mean()), 2 * (mean - labels) / mean.size
        if self.scale == "logit":
            chances = 1 / (1 + np.exp(-np.clip(mean, -500, 500)))
            return float((np.logaddexp(0, mean) - labels * mean).mean()), (chances - labels) / mean.size
        inside = np.clip(mean, _TINY, 1 - _TINY)
        value = -(labels * np.log(inside) + (1 - labels) * np.log1p(-inside)).mean()
        return float(value), (inside - labels) / (inside * (1 - inside)) / mean.size
