"""Weights by COBYLA."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from earmark.ensemble.blends.blend import Blend, Mix, Track
from earmark.ensemble.scales import Scale
from earmark.ensemble.weights import ranking, weighted

if TYPE_CHECKING:
    from earmark.core.manifest import Targets
    from earmark.ensemble.members import Members


class Cobyla(Blend, kind="cobyla"):
    """Weights that make lwlrap on held-out clips largest, found by COBYLA from equal ones, after ex4sperans (2019).

    Each weight lies in [0, 1] and their sum in [0.01, 0.99], as published; only how they compare counts. lwlrap is flat
    in steps, so the search takes steps that are long enough to change some order. The best weights that it tried are
    kept, so the result is never behind equal weights on the clips it learnt from.
    """

    learns = True

    scale: Scale = "probability"
    """What is averaged; the published code takes chances, or ranks where asked."""
    first_step: float = Field(1.0, gt=0)
    """How far the search reaches at first."""
    last_step: float = Field(1e-3, gt=0)
    """How far it reaches when it ends."""
    n_tries: int = Field(500, ge=1)
    """Most weights tried."""

    def _fit(self, members: "Members", targets: "Targets | None", track: Track) -> Mix:
        from scipy.optimize import minimize

        assert targets is not None
        score, n = ranking(members, targets, self.scale), len(members)
        start = np.full(n, 1 / n)
        tried: list[tuple[float, NDArray[np.float64]]] = [(score(start), start)]

        def loss(weights: NDArray[np.float64]) -> float:
            inside = np.clip(weights, 0.0, 1.0)
            if inside.sum() < 0.01:
                return 0.0
            tried.append((score(inside), inside))
            return -tried[-1][0]

        sides = [{"type": "ineq", "fun": lambda w, i=i: w[i]} for i in range(n)]
        sides += [{"type": "ineq", "fun": lambda w, i=i: 1 - w[i]} for i in range(n)]
        sides += [{"type": "ineq", "fun": lambda w: w.sum() - 0.01}, {"type": "ineq", "fun": lambda w: 0.99 - w.sum()}]
        options = {"rhobeg": self.first_step, "maxiter": self.n_tries}
        minimize(loss, start, method="COBYLA", constraints=sides, tol=self.last_step, options=options)
        best, weights = max(tried, key=lambda one: one[0])
        return weighted(members, weights, self.scale, held_out_lwlrap=best, n_tried=len(tried))
