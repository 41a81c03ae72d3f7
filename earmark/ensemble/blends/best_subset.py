"""The best of all subsets."""

from itertools import combinations
from math import comb
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from earmark.core.errors import SettingsError
from earmark.ensemble.blends.blend import Blend, Mix, Track
from earmark.ensemble.scales import Scale
from earmark.ensemble.weights import ranking, weighted

if TYPE_CHECKING:
    from earmark.core.manifest import Targets
    from earmark.ensemble.members import Members

_MOST_SUBSETS = 5000


class BestSubset(Blend, kind="best_subset"):
    """The subset of members whose plain mean ranks held-out clips best, after trying them all.

    R. Baikulov (2019) chose the models of the winning ensemble so. Of subsets that are equally good the
    smallest counts.
    """

    learns = True

    scale: Scale = "log_probability"
    """What is averaged; that source takes the geometric mean of chances."""
    most: int | None = Field(None, ge=1)
    """Most members in a subset; null allows all."""

    def _fit(self, members: "Members", targets: "Targets | None", track: Track) -> Mix:
        assert targets is not None
        n = len(members)
        sizes = range(1, min(n, self.most or n) + 1)
        total = sum(comb(n, size) for size in sizes)
        if total > _MOST_SUBSETS:
            raise SettingsError(
                f"{n} members have {total} subsets, and blend 'best_subset' tries {_MOST_SUBSETS} at the most; set "
                "most to fewer members, prune some, or take greedy"
            )
        score = ranking(members, targets, self.scale)
        subsets = [subset for size in sizes for subset in combinations(range(n), size)]
        best, kept = -1.0, np.ones(n)
        for number in track(range(total), total, "try subsets"):
            weights = np.zeros(n)
            weights[list(subsets[number])] = 1.0
            if (value := score(weights)) > best:
                best, kept = value, weights
        return weighted(members, kept, self.scale, held_out_lwlrap=best, n_tried=total)
