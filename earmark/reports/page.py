"""A page of sections: prose, tables, pictures and sounds in any order, as one HTML file that needs nothing else.

What the report of a run is for a run, this is for everything else. There is no script and no address in it; see
`earmark.reports.html`, whose looks it shares. Text is taken as it comes and escaped here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from markupsafe import Markup
from matplotlib.figure import Figure

from earmark.reports.clip_figures import Excerpt
from earmark.reports.drawing import PALETTE, inline_svg
from earmark.reports.html import environment
from earmark.reports.wording import number

Cell = str | int | float | None


@dataclass(frozen=True)
class Prose:
    """A paragraph."""

    kind: ClassVar[str] = "prose"
    text: str
    muted: bool = False


@dataclass(frozen=True)
class Grid:
    """A table; numbers stand to the right, and what is not there (None, NaN) is a dash.

    Args:
        columns: their names.
        rows: as many cells each.
        caption: a line above it.
        folded: where it is given, the table opens when somebody clicks on this.
        digits: after the point, for floats.
        n_more: rows that were left out.
    """

    kind: ClassVar[str] = "grid"
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    caption: str = ""
    folded: str = ""
    digits: int = 3
    n_more: int = 0

    @property
    def cells(self) -> list[list[str]]:
        """The rows as they are shown."""
        return [[self._shown(value) for value in row] for row in self.rows]

    @property
    def right(self) -> list[bool]:
        """Which columns hold numbers."""
        return [
            any(not isinstance(row[at], str) for row in self.rows)
            and all(row[at] is None or isinstance(row[at], int | float) for row in self.rows)
            for at in range(len(self.columns))
        ]

    def _shown(self, value: Cell) -> str:
        if isinstance(value, str):
            return value
        return f"{value:,}" if isinstance(value, int) else number(value, self.digits)


@dataclass(frozen=True, eq=False)
class Picture:
    """A figure with what to read out to somebody who does not see it.

    Args:
        figure: in the style of `earmark.reports.drawing`.
        says: what is read out.
        caption: a line below it.
        folded: where it is given, the figure opens when somebody clicks on this.
    """

    kind: ClassVar[str] = "picture"
    figure: Figure
    says: str
    caption: str = ""
    folded: str = ""


@dataclass(frozen=True)
class Sounds:
    """Excerpts to listen to, each row side by side: (what it is, what it sounds like)."""

    kind: ClassVar[str] = "sounds"
    rows: Sequence[Sequence[tuple[str, Excerpt]]]


Block = Prose | Grid | Picture | Sounds


@dataclass(frozen=True)
class Section:
    """A part of the page; one without blocks is left out."""

    anchor: str
    title: str
    blocks: Sequence[Block]


@dataclass(frozen=True)
class Page:
    """The whole page.

    Args:
        title: what it is about.
        subtitle: one more line.
        notes: what the reader must see first, as (mark, sentence).
        sections: in order.
    """

    title: str
    subtitle: str = ""
    notes: Sequence[tuple[str, str]] = ()
    sections: Sequence[Section] = ()


def render_page(page: Page) -> str:
    """The page as the text of an HTML file; the same page gives the same text."""
    pictures = {
        (section.anchor, at): inline_svg(block.figure, f"{section.anchor}{at}", block.says)
        for section in page.sections
        for at, block in enumerate(section.blocks)
        if isinstance(block, Picture)
    }
    sections = [section for section in page.sections if section.blocks]
    text: Markup | str = (
        environment()
        .get_template("page.html.jinja")
        .render(page=page, sections=sections, pictures=pictures, palette=PALETTE)
    )
    # A file name may hold half a character, which no file in UTF-8 can.
    return text.encode("utf-8", "replace").decode("utf-8")
