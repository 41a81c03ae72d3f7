"""Weights by taking one member after the other."""

from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from earmark.ensemble.blends.blend import Blend, Mix, Track
from earmark.ensemble.scales import Scale
from earmark.ensemble.weights import ranking, weighted

if TYPE_CHECKING:
    from earmark.core.manifest import Targets
    from earmark.ensemble.members import Members


class Greedy(Blend, kind="greedy"):
    """Takes, round after round, the member that brings the mean on furthest; a member may be taken again.

    It looks at lwlrap itself, needs no step length, and few rounds keep it from learning the held-out clips by heart.
    The best round counts. Source: Caruana, Niculescu-Mizil, Crew and Ksikes 2004.
    """

    learns = True

    scale: Scale = "probability"
    """What is averaged."""
    n_rounds: int = Field(20, ge=1)
    """How often a member is taken."""

    def _fit(self, members: "Members", targets: "Targets | None", track: Track) -> Mix:
        assert targets is not None
        score, n = ranking(members, targets, self.scale), len(members)
        taken = np.zeros(n)
        best, kept = -1.0, taken
        for _ in track(range(self.n_rounds), self.n_rounds, "choose members"):
            steps = [score(taken + one) for one in np.eye(n)]
            chosen = int(np.argmax(steps))  # of equal ones the first by name
            taken = taken + np.eye(n)[chosen]
            if steps[chosen] > best:
                best, kept = steps[chosen], taken
        return weighted(members, kept, self.scale, held_out_lwlrap=best)
