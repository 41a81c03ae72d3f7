"""How alike the members of an ensemble are, as a figure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from earmark.reports.drawing import INK, MUTED, PAGE_IN, literal, new_figure, styled
from earmark.reports.squares import draw_squares, side_by_side
from earmark.reports.wording import short


def correlation_map(names: Sequence[str], matrix: NDArray[np.float64], left_out: Sequence[str] = ()) -> Figure:
    """A square for each two members with the correlation of their scores: the darker, the more alike.

    Members that say the same lie side by side. Depth runs from the least correlation between any two to 1, for the
    members of an ensemble are all much alike; the numbers say how much.

    Args:
        names: of the members.
        matrix: [members, members], correlations in [-1, 1].
        left_out: members that were left out for being too much like another; they are shown in grey, in brackets.
    """
    n = len(names)
    order = np.array(side_by_side(np.maximum(matrix - np.eye(n), 0.0)), dtype=int)
    names, matrix = [names[row] for row in order], matrix[np.ix_(order, order)]
    apart = matrix[~np.eye(n, dtype=bool)]
    least = float(apart.min(initial=1.0))
    cell_in = min(0.6, max(0.3, 7.0 / max(1, n)))
    figure = new_figure(cell_in * n + 1.9, width_in=min(PAGE_IN, max(4.6, cell_in * n + 2.8)))
    axes = styled(figure.add_subplot(), "Correlation of the members' scores", grid=None)
    said = [f"({short(name, 24)})" if name in left_out else short(name, 26) for name in names]
    words = [[f"{value:.2f}".replace("0.", ".", 1) for value in row] for row in matrix]
    for at in range(n):
        words[at][at] = ""
    depths = (matrix - least) / max(1 - least, 1e-9)
    draw_squares(axes, depths, words, said, light_above=0.65, diagonal=False)
    for labels in (axes.get_xticklabels(), axes.get_yticklabels()):
        for label, name in zip(labels, names, strict=True):
            label.set_color(MUTED if name in left_out else INK)
    return literal(figure)
