"""Maps of squares: what each of some things has to do with each of them, the darker the more.

Depth is opacity, not a map of colours: it means the same on a light page and on a dark one. Things that have much to do
with one another lie side by side (`side_by_side`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection
from matplotlib.colors import to_rgba
from matplotlib.patches import Rectangle
from numpy.typing import NDArray
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import squareform

from earmark.reports.drawing import BLUE, INK, LINE, SMALL_PT, SURFACE

_FAINTEST = 0.06


def draw_squares(
    axes: Axes,
    depths: NDArray[np.float64],
    words: Sequence[Sequence[str]],
    names: Sequence[str],
    *,
    size_pt: float = SMALL_PT,
    light_above: float = 0.5,
    diagonal: bool = True,
) -> None:
    """Draw a map on axes of its own, rows and columns named.

    Args:
        depths: [rows, columns] in [0, 1]; NaN leaves a place empty.
        words: what is written on each square; empty for nothing.
        names: of rows and columns alike.
        size_pt: of the words.
        light_above: the depth from which words are light.
        diagonal: whether a thing beside itself is a grey square, whatever its depth.
    """
    n = len(names)
    squares, colours = [], []
    for row, column in np.argwhere(np.isfinite(depths)):
        depth = float(np.clip(depths[row, column], 0.0, 1.0))
        squares.append(_square(row, column))
        colours.append(to_rgba(BLUE, _FAINTEST + (1 - _FAINTEST) * depth))
        if words[row][column]:
            colour = SURFACE if depth > light_above else INK
            axes.text(column, row, words[row][column], ha="center", va="center", fontsize=size_pt, color=colour)
    axes.add_collection(PatchCollection(squares, facecolors=colours, linewidths=0))
    if diagonal:
        grey = [_square(at, at) for at in range(n)]
        axes.add_collection(PatchCollection(grey, facecolors=LINE, linewidths=0))
    axes.set_xticks(range(n), names, rotation=90)
    axes.set_yticks(range(n), names)
    axes.tick_params(labelcolor=INK)
    axes.set_xlim(-0.5, n - 0.5)
    axes.set_ylim(n - 0.5, -0.5)
    axes.set_aspect("equal")


def side_by_side(shares: NDArray[np.float64]) -> NDArray[np.int64]:
    """An order in which those that have much to do with one another are neighbours.

    Args:
        shares: [n, n], how much the row has to do with the column.
    """
    if len(shares) < 3:
        return np.arange(len(shares))
    distance = 1.0 / (0.02 + shares + shares.T)
    np.fill_diagonal(distance, 0.0)
    tree = linkage(squareform(distance, checks=False), method="average", optimal_ordering=True)
    return np.asarray(leaves_list(tree), dtype=np.int64)


def _square(row: int, column: int) -> Rectangle:
    return Rectangle((column - 0.5, row - 0.5), 1.0, 1.0)
