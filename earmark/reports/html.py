"""One page about a run: a single HTML file that needs nothing else, to look at, to mail and to print.

There is no script in it and no address: pictures are drawn inline, excerpts of sound are part of the text, and a
policy in its head forbids the browser to fetch or run anything whatever a label or a file name may hold. It follows a
light or dark system. The same report gives the same text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from earmark.metrics import Interval
from earmark.reports import wording
from earmark.reports.class_figures import class_bars, confusion_map
from earmark.reports.clip_figures import Excerpt, clip_figure, excerpt
from earmark.reports.curves import learning_curves, summary
from earmark.reports.drawing import PALETTE, inline_svg
from earmark.reports.report import Report, WorstClip

SECTIONS = (
    ("scores", "Scores"),
    ("curves", "Learning curves"),
    ("classes", "Classes"),
    ("confusions", "Confusions"),
    ("worst", "Worst clips"),
    ("settings", "Settings"),
    ("data", "Data and quarantine"),
    ("environment", "Environment"),
)
"""Anchor and title of every section, in order."""

# Three seconds are about 130 kB of text: this many in all keep the page small enough to mail.
_MOST_SOUND_S = 36.0
_MOST_QUARANTINE_ROWS = 200
_MOST_CONFUSION_ROWS = 25


class _Card(NamedTuple):
    clip: WorstClip
    picture: Markup
    sound: Excerpt | None


class _Table(NamedTuple):
    columns: list[str]
    rows: list[list[str]]
    n_more: int
    tally: list[tuple[str, int]]


def render(report: Report) -> str:
    """The report as the text of an HTML file; whoever has a place for it writes it there, in UTF-8."""
    template = environment().get_template("report.html.jinja")
    page = template.render(
        report=report,
        sections=SECTIONS,
        palette=PALETTE,
        scales=[_scale([row.lwlrap for row in report.scores]), _scale([row.map for row in report.scores])],
        curves=_curves(report.history),
        summary=summary(report.history) if report.history else "",
        bars=_bars(report),
        unlabelled=_unlabelled(report),
        map=_map(report),
        confusions=[] if report.confusions is None else report.confusions.rows(),
        n_confusions=_MOST_CONFUSION_ROWS,
        cards=_cards(report.worst),
        quarantine=_table(report.quarantine),
    )
    # A file name may hold half a character, which no file in UTF-8 can.
    return page.encode("utf-8", "replace").decode("utf-8")


def environment() -> Environment:
    """What turns a template of this package into text: everything escaped, and what is missing an error."""
    made = Environment(
        loader=PackageLoader("earmark", "reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"number": wording.number, "breakable": _breakable}
    made.globals |= {"span": wording.span, "share": wording.share, "plural": wording.plural}
    return made


def _breakable(name: str) -> Markup:
    """A name that may be broken after its underlines."""
    return escape(name).replace("_", Markup("_<wbr>"))


def _scale(intervals: Sequence[Interval | None]) -> tuple[float, float]:
    """The tenths between which all intervals lie."""
    ends = [end for interval in intervals if interval is not None for end in interval if np.isfinite(end)]
    return float(np.floor(10 * min(ends, default=0.0)) / 10), float(np.ceil(10 * max(ends, default=1.0)) / 10)


def _curves(history: Sequence[Mapping[str, Any]]) -> Markup:
    if not history:
        return Markup()
    return inline_svg(
        learning_curves(history), "curves", f"Learning curves over {wording.plural(len(history), 'epoch')}"
    )


def _bars(report: Report) -> list[Markup]:
    if report.classes is None:
        return []
    figures = class_bars(report.classes)
    return [
        inline_svg(figure, f"bars{number}", f"lwlrap of each class, part {number} of {len(figures)}")
        for number, figure in enumerate(figures, start=1)
    ]


def _unlabelled(report: Report) -> list[str]:
    if report.classes is None:
        return []
    return [name for name, value in zip(report.classes.classes, report.classes.lwlrap, strict=True) if np.isnan(value)]


def _map(report: Report) -> Markup:
    if report.confusions is None or not report.confusions.counts.any():
        return Markup()
    return inline_svg(confusion_map(report.confusions), "map", "Which classes stand above which labels")


def _cards(clips: Sequence[WorstClip]) -> list[_Card]:
    most_s = min(3.0, _MOST_SOUND_S / max(1, len(clips)))
    return [
        _Card(
            clip,
            inline_svg(clip_figure(clip), f"clip{number}", f"Spectrogram and predictions of clip {clip.id}"),
            excerpt(clip.wave, clip.rate_hz, most_s=most_s),
        )
        for number, clip in enumerate(clips, start=1)
    ]


def _table(rows: Sequence[Mapping[str, Any]]) -> _Table:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    shown = [[_cell(row.get(name)) for name in columns] for row in rows[:_MOST_QUARANTINE_ROWS]]
    reasons = Counter(_cell(row["reason"]) for row in rows if "reason" in row)
    tally = sorted(reasons.items(), key=lambda entry: (-entry[1], entry[0]))
    return _Table(columns, shown, len(rows) - len(shown), tally)


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return wording.DASH
    return f"{value:g}" if isinstance(value, float) else str(value)
