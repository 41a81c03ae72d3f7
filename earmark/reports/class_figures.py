"""What the classes look like: how good each one is, and which of them take one another's places.

Names of classes come from other people's vocabularies: they are shortened and never read as anything but text. Both
figures stay readable from three classes to more than five hundred: the bars go on over several figures of the
size of a page, the map shows the classes that are confused most.
"""

from __future__ import annotations

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from earmark.reports.drawing import (
    BLUE,
    INK,
    MUTED,
    PAGE_IN,
    SMALL_PT,
    literal,
    new_figure,
    styled,
)
from earmark.reports.report import ClassTable, ConfusionTable
from earmark.reports.squares import draw_squares, side_by_side
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
    told = len(names) <= _MOST_ON_MAP
    words = [[f"{100 * share:.0f}" if told and share >= 0.1 else "" for share in row] for row in shares]
    draw_squares(axes, np.where(shares > 0, shares, np.nan), words, names, size_pt=SMALL_PT - 1.5)
    axes.set_xlabel("stands above", fontsize=SMALL_PT, color=MUTED)
    axes.set_ylabel("the label", fontsize=SMALL_PT, color=MUTED)
    return literal(figure)
