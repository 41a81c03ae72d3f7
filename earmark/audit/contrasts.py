"""How two sets of clips differ: medians, quartiles and an effect size for each measure.

The effect size is Cliff's delta (1993): the chance that a clip of the second set lies above one of the first, less the
chance that it lies below; from -1 to 1, and 0 where the two are alike. Romano and others (2006) call 0.15 small, 0.33
medium and 0.47 large. It knows nothing of units or outliers.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.stats import rankdata

from earmark.audit.measures import MEASURES
from earmark.audit.survey import Survey

CONTRAST_COLUMNS = {
    "measure": pl.String,
    "a": pl.String,
    "b": pl.String,
    "median_a": pl.Float64,
    "low_a": pl.Float64,
    "high_a": pl.Float64,
    "median_b": pl.Float64,
    "low_b": pl.Float64,
    "high_b": pl.Float64,
    "delta": pl.Float64,
}


def contrasts(survey: Survey) -> pl.DataFrame:
    """A row for each measure and each two sets: medians, quartiles (``low``, ``high``), Cliff's ``delta``."""
    rows = []
    for (a, rows_a), (b, rows_b) in combinations(survey.sets.items(), 2):
        for measure in MEASURES:
            values = survey.table[measure].to_numpy()
            one, other = _finite(values[rows_a]), _finite(values[rows_b])
            if len(one) and len(other):
                quartiles = [np.quantile(part, (0.5, 0.25, 0.75)).tolist() for part in (one, other)]
                rows.append((measure, a, b, *quartiles[0], *quartiles[1], cliffs_delta(one, other)))
    return pl.DataFrame(rows, schema=CONTRAST_COLUMNS, orient="row")


def cliffs_delta(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """How much more often a value of b lies above one of a than below it.

    >>> one = np.array([1.0, 2.0])
    >>> cliffs_delta(one, np.array([3.0, 4.0])), cliffs_delta(one, one)
    (1.0, 0.0)
    """
    ranks = rankdata(np.concatenate([a, b]))[len(a) :]
    above = ranks.sum() - len(b) * (len(b) + 1) / 2
    return float(2 * above / (len(a) * len(b)) - 1)


def _finite(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return values[np.isfinite(values)]
