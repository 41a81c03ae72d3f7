"""Which part of a clip goes into a batch, and what becomes of clips that are shorter.

A net whose pooling averages over time must meet short clips in training as it meets them in use. ``short`` is
therefore one rule for both: ``repeat`` plays the clip again until the length is reached, ``silence`` pads it and
counts the silence as signal, ``keep`` pads it and masks the padding.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from earmark.core.settings import Settings


class Crop(Settings):
    """The length of what is cut from a clip, and the rule for shorter ones."""

    length_s: float | None = Field(2.0, gt=0)
    """Seconds to cut; null takes whole clips."""
    longest_s: float | None = Field(30.0, gt=0)
    """Where whole clips are taken, the most that is taken of one (a random part of a longer clip)."""
    shortest_s: float = Field(0.5, ge=0)
    """Where whole clips are taken, the length that shorter ones are brought to: one click must not set the length of
    its batch, and a network needs some frames to pool."""
    short: Literal["repeat", "silence", "keep"] = "repeat"
    """What happens to clips that are shorter than ``length_s``, or whole ones that are shorter than ``shortest_s``."""

    def n_samples(self, clip_samples: int, rate_hz: float) -> int:
        """How many samples a batch holds of a clip of this length."""
        least = self.least_samples(rate_hz)
        if self.length_s is not None:
            return least
        most = clip_samples if self.longest_s is None else min(clip_samples, round(self.longest_s * rate_hz))
        return max(least, most)

    def least_samples(self, rate_hz: float) -> int:
        """Samples that no clip is shorter than once the rule for short ones was applied, unless it is ``keep``."""
        return round((self.shortest_s if self.length_s is None else self.length_s) * rate_hz)

    def at_least(self, wave: NDArray[np.float32], rate_hz: float) -> NDArray[np.float32]:
        """A clip made as long as the crop by the rule for short ones; longer clips stay whole."""
        length = self.least_samples(rate_hz)
        if self.short == "keep" or len(wave) >= length or len(wave) == 0:
            return wave
        if self.short == "repeat":
            return np.resize(wave, length)
        return np.pad(wave, (0, length - len(wave)))
