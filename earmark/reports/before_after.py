"""A clip before and after something was done to it: two spectrograms on the same scales."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from earmark.reports.clip_figures import draw_mel
from earmark.reports.drawing import literal, new_figure, styled


class MelPicture(NamedTuple):
    """A spectrogram in mel bands from 0 Hz to half the sampling rate."""

    levels: NDArray[np.float32]
    """[bands, time], in dB."""
    seconds: float


def before_after(before: MelPicture, after: MelPicture, rate_hz: float, before_says: str, after_says: str) -> Figure:
    """Both side by side: the same colours for the same levels, and the same seconds along the page.

    Args:
        rate_hz: samples of the wave in a second.
        before_says, after_says: the titles.
    """
    figure = new_figure(3.2)
    loudest_db = float(before.levels.max(initial=-100.0))
    longest_s = max(before.seconds, after.seconds)
    for place, (picture, says) in enumerate(((before, before_says), (after, after_says))):
        axes = styled(figure.add_subplot(1, 2, place + 1), says, grid=None)
        draw_mel(axes, picture.levels, picture.seconds, rate_hz, loudest_db)
        axes.set_xlim(0.0, longest_s)
    return literal(figure)
