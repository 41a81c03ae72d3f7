"""What hangs together: rows that are linked to one another, directly or through others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components


def clusters_of(n: int, links: Sequence[tuple[int, int]]) -> NDArray[np.int64]:
    """The number of the cluster that each of n rows is linked to, from 0; -1 for rows without a link.

    >>> clusters_of(5, [(0, 3), (3, 4)]).tolist()
    [0, -1, -1, 0, 0]
    """
    clusters = np.full(n, -1, np.int64)
    if links:
        a, b = np.array(links).T
        parts = _parts(n, a, b)
        linked = np.unique(np.concatenate([a, b]))
        _, clusters[linked] = np.unique(parts[linked], return_inverse=True)
    return clusters


def never_split(groups: Sequence[str], clusters: NDArray[np.int64]) -> NDArray[np.int64]:
    """A number for each row, equal for rows that must stay together: of one group, or duplicates, or linked by both.

    >>> never_split(["a", "b", "b", "c"], np.array([0, -1, 0, -1])).tolist()
    [0, 0, 0, 1]
    """
    n, linked = len(groups), np.flatnonzero(clusters >= 0)
    _, named = np.unique(np.array(groups, dtype=np.str_), return_inverse=True)
    # Rows are linked to a node for their group and one for their cluster.
    rows = np.concatenate([np.arange(n), linked])
    nodes = np.concatenate([n + named, 2 * n + clusters[linked]])
    return np.unique(_parts(3 * n, rows, nodes)[:n], return_inverse=True)[1].astype(np.int64)


def _parts(n: int, a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.int64]:
    links = coo_array((np.ones(len(a), np.int8), (a, b)), shape=(n, n))
    return np.asarray(connected_components(links, directed=False)[1], np.int64)
