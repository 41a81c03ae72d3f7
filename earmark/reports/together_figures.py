"""Which labels come together: a square for two classes that share clips."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from earmark.reports.drawing import MUTED, PAGE_IN, SMALL_PT, literal, new_figure, styled
from earmark.reports.squares import draw_squares, side_by_side
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
    strongest = max(float(shares.max(initial=0.0)), 1e-9)
    words = [[str(apart[row, column]) for column in shown] for row in shown]
    draw_squares(axes, np.where(shares > 0, shares / strongest, np.nan), words, names, size_pt=SMALL_PT - 2)
    axes.set_ylabel("of the clips with", fontsize=SMALL_PT, color=MUTED)
    axes.set_xlabel("so many also have", fontsize=SMALL_PT, color=MUTED)
    return literal(figure)
