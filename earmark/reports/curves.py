"""How training went: one curve a quantity over the epochs.

Rows come from a run's log, one an epoch, with whatever the run recorded; a quantity that was never recorded has no
panel, and the line goes straight over an epoch that lacks it (held-out clips may be scored every fifth epoch only).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter, NullLocator
from numpy.typing import NDArray

from earmark.reports.drawing import BLUE, CYCLE, INK, MUTED, SMALL_PT, SURFACE, literal, new_figure, styled
from earmark.reports.wording import duration, number, plural, short

_SMALL = {"lr": "Learning rate", "gradient_norm": "Gradient norm", "clips_per_s": "Clips per second"}
_NOT_LOSSES = {*_SMALL, "epoch", "step", "steps", "seconds", "n_clips", "total"}
_SCORES = ("held_out", "put_aside")
_DASHES = ("-", "--", ":", "-.")
# A loss that falls by more than this factor is drawn on a logarithmic axis.
_WIDE = 30.0


class Curve(NamedTuple):
    """One quantity over the epochs."""

    name: str
    epochs: NDArray[np.float64]
    values: NDArray[np.float64]


def curves(history: Sequence[Mapping[str, Any]]) -> dict[str, Curve]:
    """Everything numeric in a history by name; NaN where an epoch does not have it, rows without ``epoch`` are counted.

    >>> curves([{"epoch": 1, "total": 0.5}, {"epoch": 2, "lr": 0.1}])["total"].values
    array([0.5, nan])
    """
    numbers = [_value(row.get("epoch")) for row in history]
    epochs = np.array([at if math.isnan(n) else n for at, n in enumerate(numbers, start=1)], dtype=np.float64)
    names = dict.fromkeys(name for row in history for name in row if name != "epoch")
    found = {name: np.array([_value(row.get(name)) for row in history]) for name in names}
    return {name: Curve(name, epochs, values) for name, values in found.items() if np.isfinite(values).any()}


def learning_curves(history: Sequence[Mapping[str, Any]]) -> Figure:
    """Losses, held-out measures, learning rate, gradient norm and speed over the epochs.

    Args:
        history: one row an epoch: ``epoch``, ``total``, ``lr``, ``gradient_norm``, ``clips_per_s``, ``seconds``, any
            number of names that start with ``held_out`` or ``put_aside`` (``held_out_lwlrap``), and a loss under every
            other name.
    """
    found = curves(history)
    held_out = [curve for name, curve in found.items() if name.startswith(_SCORES)]
    parts = [curve for name, curve in found.items() if name not in _NOT_LOSSES and not name.startswith(_SCORES)]
    total = found.get("total")
    if total is not None and not (len(parts) == 1 and np.array_equal(parts[0].values, total.values, equal_nan=True)):
        parts.insert(0, total)
    small = [(title, found[name]) for name, title in _SMALL.items() if name in found]
    large = [(draw, group) for draw, group in ((_losses, parts), (_held_out, held_out)) if group]
    figure = new_figure(2.9 * bool(large) + 1.6 * bool(small) + 0.3 * (not found))
    heights = [2.9] * bool(large) + [1.6] * bool(small)
    grid = figure.add_gridspec(len(heights) or 1, 6, height_ratios=heights or [1.0])
    for at, (draw, group) in enumerate(large):
        width = 6 // len(large)
        draw(figure.add_subplot(grid[0, at * width : (at + 1) * width]), group)
    for at, (title, curve) in enumerate(small):
        width = 6 // len(small)
        axes = styled(figure.add_subplot(grid[-1, at * width : (at + 1) * width]), title)
        _draw(axes, curve, MUTED)
        _number_axis(axes, [curve], from_zero=True)
    if not found:
        figure.text(0.5, 0.5, "no epoch was recorded", ha="center", va="center", color=MUTED, fontsize=SMALL_PT)
    return literal(figure)


def summary(history: Sequence[Mapping[str, Any]]) -> str:
    """How long the training was, in one line.

    >>> summary([{"epoch": 1, "seconds": 30.0, "clips_per_s": 100.0}, {"epoch": 2, "seconds": 45.0}])
    '2 epochs in 1 min 15 s, 100 clips per second'
    """
    found = curves(history)
    said = plural(len(history), "epoch")
    if "seconds" in found:
        said += f" in {duration(float(np.nansum(found['seconds'].values)))}"
    if "clips_per_s" in found:
        said += f", {np.nanmedian(found['clips_per_s'].values):.0f} clips per second"
    return said


def _losses(axes: Axes, group: list[Curve]) -> None:
    styled(axes, "Loss in training")
    for at, curve in enumerate(group):
        main = curve.name == "total"
        colour = INK if main else CYCLE[at % len(CYCLE)]
        _draw(axes, curve, colour, dashes=_DASHES[at // len(CYCLE) % len(_DASHES)], width=2.0 if main else 1.4)
    if len(group) > 1:
        names = [short(curve.name, 30) for curve in group]
        axes.legend(axes.lines, names, fontsize=SMALL_PT, frameon=False, labelcolor=INK, ncols=1 + (len(group) > 6))
    elif group[0].name != "total":
        axes.set_title(short(group[0].name, 30), loc="right", fontsize=SMALL_PT, color=MUTED)
    values = np.concatenate([curve.values for curve in group])
    values = values[np.isfinite(values)]
    if len(values) and values.min() > 0 and values.max() > _WIDE * values.min():
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_minor_formatter(NullFormatter())
    _number_axis(axes, group, label="epoch")


def _held_out(axes: Axes, group: list[Curve]) -> None:
    whose = next(prefix for prefix in _SCORES if group[0].name.startswith(prefix))
    names = [curve.name.removeprefix(whose).strip("_ ").replace("_", " ") or "held out" for curve in group]
    title = whose.replace("_", "-").capitalize()
    styled(axes, f"{title} {short(names[0], 30)}" if len(group) == 1 else f"{title} clips")
    for at, (curve, name) in enumerate(zip(group, names, strict=True)):
        _draw(axes, curve, CYCLE[at % len(CYCLE)])
        if name == "lwlrap" or len(group) == 1:
            _mark_best(axes, curve)
    if len(group) > 1:
        axes.legend(axes.lines[: len(group)], [short(name, 30) for name in names], fontsize=SMALL_PT, frameon=False)
    _number_axis(axes, group, label="epoch")


def _mark_best(axes: Axes, curve: Curve) -> None:
    """A ring around the best epoch, and the last and best values in words beside the title."""
    best = int(np.nanargmax(curve.values))
    last = int(np.flatnonzero(np.isfinite(curve.values))[-1])
    axes.plot(curve.epochs[best], curve.values[best], "o", color=BLUE, markersize=8, markerfacecolor="none", zorder=4)
    words = f"last {number(curve.values[last])}, best {number(curve.values[best])} in epoch {curve.epochs[best]:g}"
    words = words if best != last else f"last and best {number(curve.values[last])}"
    axes.set_title(words, loc="right", fontsize=SMALL_PT, color=MUTED)


def _draw(axes: Axes, curve: Curve, colour: str, *, dashes: str = "-", width: float = 1.6) -> None:
    kept = np.isfinite(curve.values)
    alone = int(kept.sum()) == 1
    axes.plot(
        curve.epochs[kept],
        curve.values[kept],
        color=colour,
        linestyle=dashes,
        linewidth=width,
        marker="o" if alone else "",
        markersize=5,
        markeredgecolor=SURFACE,
        solid_joinstyle="round",
    )


def _number_axis(axes: Axes, group: list[Curve], *, label: str = "", from_zero: bool = False) -> None:
    epochs = group[0].epochs
    edge = 0.02 * float(np.ptp(epochs)) or 0.5
    axes.set_xlim(float(epochs.min()) - edge, float(epochs.max()) + edge)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True, steps=[1, 2, 5, 10], min_n_ticks=1))
    axes.set_xlabel(label, fontsize=SMALL_PT, color=MUTED)
    least = min(float(np.nanmin(curve.values)) for curve in group)
    most = max(float(np.nanmax(curve.values)) for curve in group)
    # A single epoch has no range of its own: zero gives it a scale.
    linear = axes.get_yscale() == "linear"
    if linear and least >= 0 and (from_zero or np.ptp(epochs) == 0):
        axes.set_ylim(0, 1.15 * most or 1.0)
    if linear:
        axes.yaxis.set_major_locator(MaxNLocator(nbins=4 if from_zero else 6, steps=[1, 2, 5, 10]))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def _value(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        return math.nan
    return float(value) if math.isfinite(value) else math.nan
