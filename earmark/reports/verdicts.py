"""What cleaning found: verdicts class by class as a figure, and one page that says it in short.

The page is one HTML file that needs nothing else and holds no script. Names of classes and clips come from other people
and are never read as anything but text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from earmark.reports.drawing import (
    AMBER,
    BLUE,
    GREEN,
    INK,
    MUTED,
    PALETTE,
    PURPLE,
    SMALL_PT,
    VERMILLION,
    inline_svg,
    literal,
    new_figure,
    styled,
)
from earmark.reports.html import environment
from earmark.reports.wording import short

_COLOURS = {"keep": BLUE, "add": GREEN, "unknown": AMBER, "drop": VERMILLION, "out_of_vocabulary": PURPLE}
_ROW_IN = 0.19
_MOST_ROWS = 120


class VerdictReport(NamedTuple):
    """What the page says."""

    title: str
    lines: Sequence[str]
    """Facts in sentences: what was judged by what."""
    counts: Mapping[str, int]
    """Verdicts by word."""
    classes: Sequence[str]
    by_class: Mapping[str, NDArray[np.int64]]
    """For each word the number of verdicts of each class, [classes]."""
    doubtful: Sequence[Sequence[str]]
    """The most doubtful rows: clip, label, given, verdict, chance, evidence."""


def verdict_bars(report: VerdictReport) -> Figure:
    """A bar for each class that got verdicts, most verdicts first, cut into the words."""
    total = np.sum([report.by_class[word] for word in _COLOURS], axis=0)
    rows = [row for row in np.argsort(-total, kind="stable") if total[row]][:_MOST_ROWS]
    figure = new_figure(_ROW_IN * max(len(rows), 1) + 0.8)
    axes = styled(figure.add_subplot(), grid="x")
    places, start = np.arange(len(rows)), np.zeros(len(rows))
    for word, colour in _COLOURS.items():
        n = report.by_class[word][rows]
        axes.barh(places, n, left=start, height=0.66, color=colour, linewidth=0, label=word.replace("_", " "))
        start = start + n
    axes.set_yticks(places, [short(report.classes[row], 30) for row in rows])
    axes.tick_params(axis="y", labelcolor=INK)
    axes.set_ylim(max(len(rows), 1) - 0.5, -0.5)
    axes.set_xlabel("verdicts", fontsize=SMALL_PT, color=MUTED)
    figure.legend(loc="outside upper left", ncols=len(_COLOURS), fontsize=SMALL_PT, frameon=False)
    return literal(figure)


def render_verdicts(report: VerdictReport) -> str:
    """The page as text; whoever has a place for it writes it there, in UTF-8."""
    says = "Verdicts of each class: " + ", ".join(f"{n} {word}" for word, n in report.counts.items())
    picture = inline_svg(verdict_bars(report), "verdicts", says)
    table = [
        (name, *(int(report.by_class[word][row]) for word in report.by_class))
        for row, name in enumerate(report.classes)
    ]
    page = environment().get_template("verdicts.html.jinja")
    return page.render(report=report, palette=PALETTE, picture=picture, table=table)
