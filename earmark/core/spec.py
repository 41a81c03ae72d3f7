"""What flows between steps and into an encoder, known from the settings alone, before any audio is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Domain = Literal["wave", "power", "magnitude", "features"]
"""What the values of a batch are: samples; a spectrogram of squared magnitudes; one of magnitudes; or something
compressed or normalised."""


@dataclass(frozen=True, slots=True)
class Spec:
    """What flows between two steps, known before any audio is read.

    Args:
        domain: ``wave`` [batch, samples]; ``power``, ``magnitude`` or ``features`` [batch, channels, freq, time].
        rate_hz: samples or frames in a second.
        n_channels: channels of a spectrogram; 1 for waves.
        n_bands: rows along frequency; 0 for waves.
    """

    domain: Domain
    rate_hz: float
    n_channels: int = 1
    n_bands: int = 0
