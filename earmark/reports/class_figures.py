"""What the classes look like: how good each one is, and which of them take one another's places.

Names of classes come from other people's vocabularies: they are shortened and never read as anything but text. Both
figures stay readable from three classes to more than five hundred: the bars go on over several figures of the
size of a page, the map shows the classes that are confused most.
"""

from __future__ import annotations

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter
from numpy.typing import NDArray
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import squareform

from earmark.reports.drawing import (
    BLUE,
    INK,
    LINE,
    MUTED,
    PAGE_IN,
    SMALL_PT,
    SURFACE,
    literal,
    new_figure,
    styled,
)
from earmark.reports.report import ClassTable, ConfusionTable
from earmark.reports.wording import short

_ROW_IN = 0.19
_MOST_ROWS = 40
_MOST_ON_MAP = 30


def class_bars(table: ClassTable) -> tuple[Figure, ...]:
    """A bar for each class that has labels, the best first, with its interval and its number of labels.

    Up to 120 classes go on one figure, in one to three columns that are read downwards.
    """
    rows = [row for row in table.order if np.isfinite(table.lwlrap[row])]
    n_columns = 1 if len(rows) <= 12 else 2 if len(rows) <= 60 else 3
    n_figures = math.ceil(len(rows) / (n_columns * _MOST_ROWS))
    on_each = math.ceil(len(rows) / max(1, n_figures * n_columns)) * n_columns
    return tuple(_bars(table, rows[start : start + on_each], n_columns) for start in range(0, len(rows), on_each or 1))


def _bars(table: ClassTable, rows: list[int], n_columns: int) -> Figure:
    n_rows = math.ceil(len(rows) / n_columns)
    figure = new_figure(_ROW_IN * n_rows + 0.6)
    for column in range(n_columns):
        axes = styled(figure.add_subplot(1, n_columns, column + 1), grid="x")
        here = rows[column * n_rows : (column + 1) * n_rows]
        _draw_bars(axes, table, here, n_rows, most_letters=30 if n_columns < 3 else 22)
        if not here:
            axes.set_visible(False)
    return literal(figure)


def _draw_bars(axes: Axes, table: ClassTable, rows: list[int], n_rows: int, most_letters: int) -> None:
    places = np.arange(len(rows), dtype=np.float64)
    axes.barh(places, table.lwlrap[rows], height=0.66, color=BLUE, alpha=0.75, linewidth=0)
    known = np.isfinite(table.low[rows]) & np.isfinite(table.high[rows])
    axes.hlines(places[known], table.low[rows][known], table.high[rows][known], color=INK, linewidth=1.1)
    for place, row in enumerate(rows):
        axes.text(1.03, place, f"{table.n_labels[row]}", color=MUTED, fontsize=SMALL_PT, va="center", clip_on=False)
    axes.set_yticks(places, [short(table.classes[row], most_letters) for row in rows])
    axes.tick_params(axis="y", labelcolor=INK)
    axes.set_ylim(n_rows - 0.5, -0.5)
    axes.set_xlim(0, 1)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1.0])
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set_title("lwlrap", loc="left", fontsize=SMALL_PT, color=MUTED)
    axes.annotate(
        "labels",
        (1.03, 1),
        (0, 6),
        "axes fraction",
        "offset points",
        color=MUTED,
        fontsize=SMALL_PT,
        annotation_clip=False,
    )


def confusion_map(table: ConfusionTable, n_most: int = _MOST_ON_MAP) -> Figure:
    """A square for each pair of classes: the darker, the more often the column's class stands above the row's label.

    Classes that are confused with one another lie side by side.

    Args:
        n_most: how many classes to show at most: those in most confusions, on either side.
    """
    involved = table.counts.sum(axis=0) + table.counts.sum(axis=1)
    shown = np.sort(np.argsort(-involved, kind="stable")[: min(n_most, int((involved > 0).sum()))])
    shares = table.shares[np.ix_(shown, shown)]
    order = side_by_side(shares)
    shares, names = shares[np.ix_(order, order)], [short(table.classes[row], 22) for row in shown[order]]
    cell_in = min(0.34, max(0.2, 6.5 / max(1, len(names))))
    figure = new_figure(cell_in * len(names) + 2.0, width_in=min(PAGE_IN, cell_in * len(names) + 3.2))
    axes = styled(figure.add_subplot(), grid=None)
    _draw_squares(axes, shares)
    places = np.arange(len(names))
    axes.set_xticks(places, names, rotation=90)
    axes.set_yticks(places, names)
    axes.tick_params(labelcolor=INK)
    axes.set_xlabel("stands above", fontsize=SMALL_PT, color=MUTED)
    axes.set_ylabel("the label", fontsize=SMALL_PT, color=MUTED)
    return literal(figure)


def _draw_squares(axes: Axes, shares: NDArray[np.float64]) -> None:
    n = len(shares)
    squares, colours = [], []
    for row, column in np.argwhere(shares > 0):
        share = float(shares[row, column])
        squares.append(Rectangle((column - 0.5, row - 0.5), 1.0, 1.0))
        # Opacity, not a map of colours: it means the same on a light page and on a dark one.
        colours.append(to_rgba(BLUE, 0.06 + 0.94 * share))
        if share >= 0.1 and n <= _MOST_ON_MAP:
            colour = SURFACE if share > 0.5 else INK
            words = f"{100 * share:.0f}"
            axes.text(column, row, words, ha="center", va="center", fontsize=SMALL_PT - 1.5, color=colour)
    axes.add_collection(PatchCollection(squares, facecolors=colours, linewidths=0))
    diagonal = [Rectangle((at - 0.5, at - 0.5), 1.0, 1.0) for at in range(n)]
    axes.add_collection(PatchCollection(diagonal, facecolors=LINE, linewidths=0))
    axes.set_xlim(-0.5, n - 0.5)
    axes.set_ylim(n - 0.5, -0.5)
    axes.set_aspect("equal")


def side_by_side(shares: NDArray[np.float64]) -> NDArray[np.int64]:
    """An order of the classes in which those that are often confused are neighbours."""
    if len(shares) < 3:
        return np.arange(len(shares))
    distance = 1.0 / (0.02 + shares + shares.T)
    np.fill_diagonal(distance, 0.0)
    tree = linkage(squareform(distance, checks=False), method="average", optimal_ordering=True)
    return np.asarray(leaves_list(tree), dtype=np.int64)
