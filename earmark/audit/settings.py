"""What an audit looks for, and how closely."""

from typing import Annotated

from pydantic import Field

from earmark.core.settings import Incidental, Settings


class AuditSettings(Settings):
    """Thresholds and sizes of an audit; none of them changes what is measured of a clip."""

    seed: int = Field(0, ge=0)
    """Names every random choice: which clips go on the map, how clips are split, what the intervals draw."""
    near_correlation: float = Field(0.7, gt=0, le=1)
    """Waves that correlate at least so much at their best shift are near duplicates (1: equal but for a gain).

    The square is the share of the energy that is the same sound: from 0.7 on, half of it. Different recordings of one
    kind of sound stay below 0.3; drum machines reach 0.5."""
    near_spectrum_db: float = Field(3.0, gt=0)
    """Only clips whose average spectra differ by no more than this are compared as waves."""
    near_neighbours: int = Field(8, ge=1)
    """With how many clips of the most similar spectra each clip is compared at the most."""
    near_clip_s: float = Field(30.0, gt=0)
    """How much of a clip is compared, from its beginning."""
    silent_db: float = Field(-70.0, lt=0)
    """A clip whose peak lies below this level, in dB of full scale, is silent."""
    mostly_silent: float = Field(0.9, gt=0, le=1)
    """A clip of which this share of the time is silence is mostly silent."""
    clipped: float = Field(1e-3, gt=0, le=1)
    """A clip of which this share of the samples is flat or beyond full scale is clipped."""
    offset_db: float = Field(-40.0, lt=0)
    """A clip whose mean lies further from zero than this, in dB of full scale, has an offset."""
    fewest_labels: int = Field(2, ge=1)
    """A class with fewer trusted labels than this in a fold is short there."""
    effect: float = Field(0.33, gt=0, le=1)
    """Differences between parts from this effect size on (Cliff's delta) are told first."""
    adversary_clips: Annotated[int, Field(ge=30)] = 5000
    """Clips of each part that learn to tell two parts apart, at the most; chosen by chance."""
    map_clips: Annotated[int, Field(ge=10)] = 4000
    """Clips on the map at the most; chosen by chance."""
    n_resamples: Annotated[int, Field(ge=100)] = 500
    """How often clips are drawn again for an interval."""
    workers: Annotated[int, Incidental(), Field(ge=0)] = 0
    """Threads that measure clips; 0: one a processor."""
