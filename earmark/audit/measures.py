"""The names of what is measured: how people call it, in what unit, and how exactly."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final, NamedTuple


class Measure(NamedTuple):
    """One number of a clip."""

    words: str
    unit: str
    digits: int
    group: str
    """What it speaks of: length, level, spectrum."""


MEASURES: Final = MappingProxyType(
    {
        "seconds": Measure("length", "s", 1, "length"),
        "peak_db": Measure("peak", "dB", 1, "level"),
        "rms_db": Measure("level (RMS)", "dB", 1, "level"),
        "crest_db": Measure("peak over RMS", "dB", 1, "level"),
        "loud_db": Measure("level of the loudest tenth", "dB", 1, "level"),
        "quiet_db": Measure("level of the quietest tenth", "dB", 1, "level"),
        "silence": Measure("share of silence", "share", 1, "silence"),
        "lead_s": Measure("silence at the start", "s", 2, "silence"),
        "tail_s": Measure("silence at the end", "s", 2, "silence"),
        "clipped": Measure("share of clipped samples", "share", 2, "level"),
        "offset": Measure("offset from zero", "", 4, "level"),
        "centroid_hz": Measure("spectral centroid", "Hz", 0, "spectrum"),
        "rolloff_hz": Measure("95 % of the power below", "Hz", 0, "spectrum"),
        "flatness_db": Measure("spectral flatness", "dB", 1, "spectrum"),
        "band_limit_hz": Measure("band limit", "Hz", 0, "spectrum"),
        "cliff_db": Measure("steepest fall of the spectrum", "dB", 1, "spectrum"),
    }
)
"""Name -> measure. Silence is what lies 60 dB below the clip's loudest; quietest and loudest are of what sounds.

Shares lie in [0, 1] and are said in per cent; digits are those of what is said.
"""


def said(name: str, value: float) -> str:
    """A measured value as people read it.

    >>> said("rms_db", -23.456), said("seconds", float("nan"))
    ('-23.5 dB', '–')
    >>> said("silence", 0.25)
    '25.0 %'
    """
    if value != value:
        return "–"
    measure = MEASURES[name]
    if measure.unit == "share":
        return f"{100 * value:.{measure.digits}f} %"
    return f"{value:.{measure.digits}f} {measure.unit}".rstrip()
