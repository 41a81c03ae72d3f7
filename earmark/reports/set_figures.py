"""What sets of clips look like beside one another: labels, levels, spectra, a map of them.

A *set* is a name with a colour and a mark of its own, the same in every figure; at most six are told apart. Sizes and
style are those of `earmark.reports.drawing`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator
from numpy.typing import NDArray

from earmark.reports.drawing import (
    BLUE,
    CYCLE,
    GREEN,
    INK,
    LINE,
    MUTED,
    SMALL_PT,
    SURFACE,
    VERMILLION,
    literal,
    new_figure,
    styled,
)
from earmark.reports.wording import short

_COLOURS = {"curated": BLUE, "noisy": VERMILLION, "unlabelled": MUTED, "test": GREEN}
_MARKS = {"curated": "o", "noisy": "s", "unlabelled": "D", "test": "^"}
_DASHES: dict[str, Literal["-", "--", ":", "-."]] = {"curated": "-", "noisy": "--", "unlabelled": ":", "test": "-."}
_ROW_IN = 0.17
_BINS = 40
_TICKS_HZ = (300, 1000, 3000, 10000)
# Names on the map: the commonest classes, as many as there is room for.
_MOST_NAMES = 30


class Panel(NamedTuple):
    """One measure of several sets."""

    title: str
    unit: str
    values: Mapping[str, NDArray[np.float64]]
    """Set -> values; what is not finite is left out."""
    note: str = ""
    is_log: bool = False


class AreaRow(NamedTuple):
    """An area under a ROC curve, with its interval."""

    name: str
    value: float
    low: float
    high: float


def class_counts(classes: Sequence[str], counts: Mapping[str, NDArray[np.int64]], what: str = "labels") -> Figure:
    """A row for each class with a mark for each set, on an axis that is linear near zero and logarithmic above.

    Args:
        classes: one name a row, in the order in which they are shown.
        counts: set -> [classes].
        what: what was counted.
    """
    n_columns = 1 if len(classes) <= 24 else 2 if len(classes) <= 100 else 3
    n_rows = math.ceil(len(classes) / n_columns)
    figure = new_figure(_ROW_IN * n_rows + 0.9)
    most = max((float(values.max(initial=0)) for values in counts.values()), default=0.0)
    for column in range(n_columns):
        axes = styled(figure.add_subplot(1, n_columns, column + 1), grid="x")
        here = slice(column * n_rows, (column + 1) * n_rows)
        names = [short(name, 26) for name in classes[here]]
        places = np.arange(len(names))
        axes.hlines(places, 0, most, color=LINE, linewidth=0.8)
        for name, values in counts.items():
            axes.plot(values[here], places, _MARKS.get(name, "o"), color=_colour(name), markersize=4.5, alpha=0.9)
        axes.set_yticks(places, names)
        axes.tick_params(axis="y", labelcolor=INK)
        axes.set_ylim(n_rows - 0.4, -0.6)
        axes.set_xscale("symlog", linthresh=10, linscale=0.6)
        axes.set_xlim(-0.4, 1.3 * most + 1)
        axes.xaxis.set_major_locator(FixedLocator(_round_numbers(most)))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        axes.set_xlabel(what, fontsize=SMALL_PT, color=MUTED)
    _legend(figure, list(counts), marks=True)
    return literal(figure)


def distributions(panels: Sequence[Panel]) -> Figure:
    """A small histogram for each measure, one line a set, each of area one; the outermost hundredths are cut off."""
    n_columns = 3
    n_rows = math.ceil(len(panels) / n_columns)
    figure = new_figure(1.75 * n_rows + 0.35)
    for at, panel in enumerate(panels):
        axes = styled(figure.add_subplot(n_rows, n_columns, at + 1), panel.title, grid="x")
        _draw_histograms(axes, panel)
        if panel.note:
            axes.set_title(panel.note, loc="right", fontsize=SMALL_PT, color=MUTED)
    _legend(figure, list(dict.fromkeys(name for panel in panels for name in panel.values)))
    return literal(figure)


def _draw_histograms(axes: Axes, panel: Panel) -> None:
    values = {name: each[np.isfinite(each)] for name, each in panel.values.items()}
    values = {name: each for name, each in values.items() if len(each)}
    axes.yaxis.set_visible(False)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 2.5, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set_xlabel(panel.unit, fontsize=SMALL_PT, color=MUTED)
    if not values:
        axes.text(0.5, 0.5, "nothing measured", ha="center", color=MUTED, fontsize=SMALL_PT, transform=axes.transAxes)
        return
    ends = [np.quantile(each, (0.01, 0.99)) for each in values.values()]
    low, high = float(min(end[0] for end in ends)), float(max(end[1] for end in ends))
    if high <= low:
        low, high = low - 0.5, high + 0.5
    edges = np.geomspace(low, high, _BINS + 1) if panel.is_log and low > 0 else np.linspace(low, high, _BINS + 1)
    tallest = 0.0
    for name, each in values.items():
        shares = np.histogram(np.clip(each, low, high), edges)[0] / len(each)
        axes.stairs(shares, edges, color=_colour(name), linewidth=1.5, linestyle=_DASHES.get(name, "-"))
        axes.stairs(shares, edges, color=_colour(name), fill=True, alpha=0.12)
        tallest = max(tallest, float(np.sort(shares)[-2]))
    # One bin may hold nearly everything (no silence at all): it must not flatten the others.
    axes.set_ylim(0, 1.25 * max(tallest, 0.02))
    if panel.is_log and low > 0:
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(
            FixedLocator([tick for tick in (0.1, 0.3, 1, 3, 10, 30, 100, 300) if low <= tick <= high])
        )
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def average_spectra(centres_hz: NDArray[np.float64], levels_db: Mapping[str, NDArray[np.float32]]) -> Figure:
    """The median spectrum of each set over bands of equal width on the mel scale, with the middle half of its clips.

    Args:
        centres_hz: [bands].
        levels_db: set -> [clips, bands].
    """
    figure = new_figure(3.1)
    axes = styled(figure.add_subplot(), "Average spectra", grid="both")
    bands = np.arange(len(centres_hz))
    for name, levels in levels_db.items():
        low, middle, high = np.quantile(levels, (0.25, 0.5, 0.75), axis=0)
        axes.fill_between(bands, low, high, color=_colour(name), alpha=0.13, linewidth=0)
        axes.plot(bands, middle, color=_colour(name), linewidth=1.8, linestyle=_DASHES.get(name, "-"))
    ticks = [hz for hz in _TICKS_HZ if centres_hz[0] <= hz <= centres_hz[-1]]
    axes.set_xticks(np.interp(ticks, centres_hz, bands), [f"{hz / 1000:g} kHz" for hz in ticks])
    axes.set_xlim(0, len(bands) - 1)
    axes.set_ylabel("dB of the whole clip", fontsize=SMALL_PT, color=MUTED)
    _legend(figure, list(levels_db))
    return literal(figure)


def areas(charts: Mapping[str, Sequence[AreaRow]]) -> Figure:
    """Areas under ROC curves with their intervals, one panel for each two sets; the dashed line is guessing.

    Args:
        charts: title -> rows.
    """
    n_rows = max(len(rows) for rows in charts.values())
    figure = new_figure(0.24 * n_rows + 0.75)
    first: Axes | None = None
    for at, (title, rows) in enumerate(charts.items()):
        axes = styled(figure.add_subplot(1, len(charts), at + 1, sharey=first), title, grid="x")
        first = first or axes
        places = np.arange(len(rows))
        axes.axvline(0.5, color=MUTED, linewidth=1, linestyle="--")
        axes.hlines(places, [row.low for row in rows], [row.high for row in rows], color=BLUE, linewidth=4, alpha=0.35)
        axes.plot([row.value for row in rows], places, "o", color=BLUE, markersize=5)
        axes.set_yticks(places, [row.name for row in rows])
        axes.tick_params(axis="y", labelcolor=INK, labelleft=at == 0)
        axes.set_ylim(n_rows - 0.5, -0.5)
        axes.set_xlim(min(0.4, *(row.low - 0.02 for row in rows)), 1.02)
        axes.set_xticks([0.5, 0.75, 1.0])
    return literal(figure)


def clip_map(places: NDArray[np.float32], sets: Sequence[str], labels: Sequence[str | None]) -> Figure:
    """The clips on a plane twice: by set, and by label with the names of the commonest where their clips lie.

    Args:
        places: [clips, 2].
        sets: of each clip.
        labels: of each clip; None, where it has none or several, is grey.
    """
    figure = new_figure(4.9)
    # Thousands of marks as paths would make a page of megabytes; as pixels they are small, and drawn finely enough.
    figure.set_dpi(220)
    size = float(np.clip(18000 / max(1, len(places)), 2.5, 16))
    by_set, by_label = (
        styled(figure.add_subplot(1, 2, at), title, grid=None) for at, title in ((1, "By set"), (2, "By label"))
    )
    names = np.array(sets)
    order = sorted(dict.fromkeys(sets), key=lambda name: -(names == name).sum())
    for name in order:
        here = places[names == name]
        by_set.scatter(
            here[:, 0],
            here[:, 1],
            s=size,
            color=_colour(name),
            marker=_MARKS.get(name, "o"),
            alpha=0.6,
            linewidths=0,
        )
    _draw_labels(by_label, places, np.array([label or "" for label in labels]), size)
    for axes in (by_set, by_label):
        axes.set_rasterization_zorder(1.5)  # the marks; the names are text
        axes.set_xticks([])
        axes.set_yticks([])
        axes.margins(0.02)
    _legend(figure, [name for name in _COLOURS if name in order], marks=True)
    return literal(figure)


def _draw_labels(axes: Axes, places: NDArray[np.float32], names: NDArray[np.str_], size: float) -> None:
    unnamed = places[names == ""]
    axes.scatter(unnamed[:, 0], unnamed[:, 1], s=size, color=MUTED, alpha=0.25, linewidths=0)
    found, counts = np.unique(names[names != ""], return_counts=True)
    order = sorted(range(len(found)), key=lambda at: (-counts[at], found[at]))
    for rank, at in enumerate(order):
        here = places[names == found[at]]
        colour = CYCLE[rank % len(CYCLE)]
        axes.scatter(here[:, 0], here[:, 1], s=size, color=colour, alpha=0.65, linewidths=0)
    halo = {"facecolor": SURFACE, "alpha": 0.65, "edgecolor": "none", "pad": 0.6}
    taken: list[NDArray[np.float32]] = []
    reach = 0.045 * np.ptp(places, axis=0) * np.array([1.8, 0.7])
    for rank, at in enumerate(order[:_MOST_NAMES]):
        spot = _thickest(places[names == found[at]])
        if any((np.abs(spot - other) < reach).all() for other in taken):
            continue  # a name on another name can be read by nobody
        taken.append(spot)
        colour = CYCLE[rank % len(CYCLE)]
        axes.text(
            spot[0], spot[1], short(str(found[at]), 16), ha="center", va="center", fontsize=6.5, color=colour, bbox=halo
        )


def _thickest(points: NDArray[np.float32]) -> NDArray[np.float32]:
    """The point with the most others near it: the middle of several heaps may lie in none of them."""
    some = points[:: max(1, len(points) // 400)]
    distances = np.linalg.norm(some[:, None] - some[None], axis=2)
    nearest = np.sort(distances, axis=1)[:, : max(2, len(some) // 3)]
    return np.asarray(some[int(nearest.mean(axis=1).argmin())])


def _round_numbers(most: float) -> list[float]:
    ticks = [0.0, 5.0, 10.0, 30.0]
    while ticks[-1] * 3 < most:
        ticks += [ticks[-2] * 10, ticks[-1] * 10]
    return [tick for tick in ticks if tick <= 1.3 * most + 1]


def _colour(name: str) -> str:
    return _COLOURS.get(name, INK)


def _legend(figure: Figure, names: Sequence[str], *, marks: bool = False) -> None:
    lines = [
        Line2D(
            [],
            [],
            color=_colour(name),
            linewidth=0 if marks else 1.8,
            linestyle="" if marks else _DASHES.get(name, "-"),
            marker=_MARKS.get(name, "o") if marks else "",
            markersize=5,
        )
        for name in names
    ]
    figure.legend(
        lines,
        list(names),
        loc="outside upper right",
        ncols=len(names),
        fontsize=SMALL_PT,
        frameon=False,
        labelcolor=INK,
    )
