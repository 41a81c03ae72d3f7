"""A learning-rate range test as a figure."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter
from numpy.typing import NDArray

from earmark.reports.drawing import BLUE, INK, MUTED, SMALL_PT, VERMILLION, literal, new_figure, styled

# Where the loss shoots up at the end, what lies higher than this over its range before is cut off.
_HEADROOM = 0.3


class RateTest(NamedTuple):
    """A sweep of the learning rate."""

    rates: NDArray[np.float64]
    """One a step, rising."""
    losses: NDArray[np.float64]
    smooth: NDArray[np.float64]
    """The losses without most of their noise."""
    steepest: float | None
    """The rate where the loss falls most; none where it never falls."""
    tenth: float | None
    """A tenth of the rate where the loss is least."""


def rates_figure(test: RateTest) -> Figure:
    """Loss over learning rate, with what is suggested."""
    figure = new_figure(3.6)
    axes = styled(figure.add_subplot(), "Loss while the learning rate rises", grid="both")
    axes.plot(test.rates, test.losses, color=MUTED, linewidth=0.8, alpha=0.5)
    axes.plot(test.rates, test.smooth, color=INK, linewidth=2.0)
    said = []
    marks = ((test.steepest, "steepest", BLUE, "-"), (test.tenth, "a tenth of the least", VERMILLION, "--"))
    for rate, name, colour, dashes in marks:
        if rate is not None:
            axes.axvline(rate, color=colour, linewidth=1.6, linestyle=dashes)
            said.append(f"{name} {rate:.1e}")
    axes.set_title(", ".join(said) or "the loss never fell", loc="right", fontsize=SMALL_PT, color=MUTED)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda rate, _: f"{rate:.0e}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("learning rate", fontsize=SMALL_PT, color=MUTED)
    least, first = float(test.smooth.min()), float(test.smooth[: max(1, len(test.smooth) // 10)].max())
    room = _HEADROOM * max(first - least, 1e-3 * abs(first), 1e-12)
    axes.set_ylim(least - room, first + 2 * room)
    return literal(figure)
