"""Which labels come together: a square for two classes that share clips."""

from __future__ import annotations

import numpy as np
from matplotlib.collections import PatchCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from earmark.reports.class_figures import side_by_side
from earmark.reports.drawing import BLUE, INK, LINE, MUTED, PAGE_IN, SMALL_PT, SURFACE, literal, new_figure, styled
from earmark.reports.wording import short

_MOST_CLASSES = 40


def together_map(classes: tuple[str, ...], counts: NDArray[np.int64]) -> Figure:
    """A square for each two classes: the darker, the larger the share of the row's clips that have the column's label.

    The number is that of the clips. Classes that come together lie side by side; of many classes those are shown that
    come together with others most often.

    Args:
        classes: names of rows and columns.
        counts: [classes, classes], clips that have both labels; on the diagonal those that have the label.
    """
    apart = counts - np.diag(np.diag(counts))
    shown = np.sort(np.argsort(-apart.sum(axis=1), kind="stable")[:_MOST_CLASSES])
    shown = shown[apart[shown].sum(axis=1) > 0]
    shares = apart[np.ix_(shown, shown)] / np.maximum(1, np.diag(counts)[shown])[:, None]
    order = side_by_side(shares)
    shown, shares = shown[order], shares[np.ix_(order, order)]
    n, names = len(shown), [short(classes[row], 22) for row in shown]
    cell_in = min(0.34, max(0.18, 7.0 / max(1, n)))
    figure = new_figure(cell_in * n + 1.7, width_in=min(PAGE_IN, cell_in * n + 2.6))
    axes = styled(figure.add_subplot(), grid=None)
    squares, colours = [], []
    strongest = max(float(shares.max(initial=0.0)), 1e-9)
    for row, column in np.argwhere(shares > 0):
        depth = float(shares[row, column]) / strongest
        squares.append(Rectangle((column - 0.5, row - 0.5), 1.0, 1.0))
        # Opacity, not a map of colours: it means the same on a light page and on a dark one.
        colours.append(to_rgba(BLUE, 0.08 + 0.92 * depth))
        words = str(apart[shown[row], shown[column]])
        colour = SURFACE if depth > 0.5 else INK
        axes.text(column, row, words, ha="center", va="center", fontsize=SMALL_PT - 2, color=colour)
    axes.add_collection(PatchCollection(squares, facecolors=colours, linewidths=0))
    diagonal = [Rectangle((at - 0.5, at - 0.5), 1.0, 1.0) for at in range(n)]
    axes.add_collection(PatchCollection(diagonal, facecolors=LINE, linewidths=0))
    axes.set_xticks(range(n), names, rotation=90)
    axes.set_yticks(range(n), names)
    axes.tick_params(labelcolor=INK)
    axes.set_xlim(-0.5, n - 0.5)
    axes.set_ylim(n - 0.5, -0.5)
    axes.set_aspect("equal")
    axes.set_ylabel("of the clips with", fontsize=SMALL_PT, color=MUTED)
    axes.set_xlabel("so many also have", fontsize=SMALL_PT, color=MUTED)
    return literal(figure)
