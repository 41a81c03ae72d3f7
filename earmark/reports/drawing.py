"""The ground of every figure: one palette, one style, and the way of a figure into a page.

Figures are made through matplotlib's objects, never through pyplot, so drawing leaves nothing behind and may run in
any thread of a server. The colours are those of Okabe & Ito (2008), which people with any kind of colour vision can
tell apart; nothing is said by colour alone. Sizes are in inches at 72 points; `PAGE_IN` is the width of a page.

In a page a figure is inline SVG whose colours are the page's own variables, so that it follows a dark or light page,
and whose text is text: it can be searched, and names in any script show, whatever fonts matplotlib has.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final
from xml.etree import ElementTree

import matplotlib
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.text import Text

PALETTE: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "ink": ("#1b1f24", "#e6e9ed"),
        "muted": ("#626a73", "#9aa4af"),
        "line": ("#d8dde3", "#343b44"),
        "surface": ("#ffffff", "#15191e"),
        "blue": ("#0072b2", "#4fa9e6"),
        "vermillion": ("#d55e00", "#f2854a"),
        "green": ("#009e73", "#35c79c"),
        "purple": ("#b0578f", "#dd9cc4"),
        "amber": ("#c88700", "#eeb63f"),
        "sky": ("#3b9fd6", "#8fd0f7"),
    }
)
"""Name -> colour on a light page, and on a dark one."""

INK, MUTED, LINE, SURFACE, BLUE, VERMILLION, GREEN, PURPLE, AMBER, SKY = (light for light, _ in PALETTE.values())
CYCLE: Final = (BLUE, VERMILLION, GREEN, PURPLE, AMBER, SKY)
"""Colours of things that have none of their own, in turn."""
PAGE_IN: Final = 9.6
SMALL_PT: Final = 8.0
TEXT_PT: Final = 9.0

_VARIABLE = {light: f"var(--{name})" for name, (light, _) in PALETTE.items()}
_NO_METADATA: dict[str, Any] = dict.fromkeys(("Creator", "Date", "Format", "Type"))


def new_figure(height_in: float, width_in: float = PAGE_IN, *, fitted: bool = True) -> Figure:
    """An empty figure that belongs to nobody; one that is ``fitted`` makes room for the labels of its axes."""
    layout = ConstrainedLayoutEngine() if fitted else None
    figure = Figure(figsize=(width_in, height_in), dpi=100, facecolor=SURFACE, layout=layout)
    FigureCanvasAgg(figure)
    return figure


def styled(axes: Axes, title: str = "", *, grid: str | None = "y") -> Axes:
    """Axes in the house's style: no frame, faint lines, small muted numbers; ``grid`` is x, y, both or None."""
    axes.set_facecolor("none")
    axes.set_axisbelow(True)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0, labelsize=SMALL_PT, labelcolor=MUTED, which="both")
    if title:
        axes.set_title(title, loc="left", fontsize=TEXT_PT, fontweight="bold", color=INK)
    axes.grid(visible=False)
    if grid == "both" or grid in ("x", "y"):
        axes.grid(visible=True, axis=grid, color=LINE, linewidth=0.8)  # type: ignore[arg-type]  # checked above
    return axes


def literal(figure: Figure) -> Figure:
    """The figure with every text shown as it is written: a ``$`` in a label is a dollar, not mathematics."""
    for text in figure.findobj(Text):
        assert isinstance(text, Text)
        text.set_parse_math(False)
    return figure


def inline_svg(figure: Figure, name: str, says: str) -> Markup:
    """The figure as an element to put into a page, the same text for the same figure.

    Args:
        figure: colours of `PALETTE` become variables ``--ink``, ``--blue``, ...; all others stay.
        name: unlike that of any other figure on the page; the names inside start with it.
        says: what to read out to somebody who does not see it.
    """
    root = ElementTree.fromstring(_svg(figure))
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag.endswith("}style"):
                parent.remove(child)
    used = set(re.findall(r"#([\w.-]+)", " ".join(value for e in root.iter() for value in e.attrib.values())))
    names: dict[str, str] = {}
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        attributes = {key.rpartition("}")[2]: value for key, value in element.attrib.items()}
        if attributes.get("id", "") in used:
            attributes["id"] = names.setdefault(attributes["id"], f"{name}-{len(names)}")
        else:
            attributes.pop("id", None)
        if "style" in attributes:
            attributes["style"] = _restyled(attributes["style"])
        if "d" in attributes:
            attributes["d"] = " ".join(attributes["d"].split())
        element.attrib.clear()
        element.attrib.update(attributes)
        if element.tag != "text":
            element.text = element.tail = None
    for element in root.iter():
        for key, value in element.attrib.items():
            if key in ("href", "clip-path", "style"):
                element.set(key, re.sub(r"#([\w.-]+)", lambda m: "#" + names.get(m[1], m[1]), value))
    root.set("role", "img")
    root.set("aria-label", says)
    return Markup(ElementTree.tostring(root, encoding="unicode"))


def _svg(figure: Figure) -> str:
    buffer = io.StringIO()
    # These two have no other door than the global settings and the global filters; both are put back.
    with matplotlib.rc_context({"svg.fonttype": "none"}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(buffer, format="svg", metadata=_NO_METADATA)
    return buffer.getvalue()


def _restyled(style: str) -> str:
    """Colours as variables of the page, and the page's own letters."""
    kept = [rule.strip() for rule in style.split(";") if not rule.strip().startswith("font-family")]
    return re.sub(r"#[0-9a-f]{6}", lambda m: _VARIABLE.get(m[0], m[0]), ";".join(rule for rule in kept if rule))
