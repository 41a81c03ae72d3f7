"""What a room, a microphone and a careless editor do to a sound.

Waves are float64 ``[samples]``. A `Domain` holds the ranges that conditions are drawn from: the curated and test parts
share one, the noisy part has another, as sound tracks of videos differ from recordings made for their own sake.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.signal import fftconvolve, lfilter

from earmark.demo.sounds.acoustics import band, band_noise, decay, harmonics, log_uniform
from earmark.demo.sounds.family import Wave

Range = tuple[float, float]


@dataclass(frozen=True)
class Domain:
    """The ranges of a part's recording conditions, each (low, high).

    Args:
        p_room: chance of an audible room.
        room_t60_s: seconds until its reverberation has fallen by 60 dB.
        low_hz: lower edge of the microphone's band.
        high_hz: upper edge of the microphone's band.
        snr_db: loudest moment of the sound over the background.
        squash: 0 leaves the dynamics alone, 1 makes every moment equally loud.
        drive: how far into saturation the loudest moment goes; below 0.5 is next to nothing.
        peak_db: the clip's peak under full scale.
    """

    p_room: float
    room_t60_s: Range
    low_hz: Range
    high_hz: Range
    snr_db: Range
    squash: Range
    drive: Range
    peak_db: Range


RECORDIST = Domain(0.6, (0.1, 0.6), (20, 120), (5000, 16000), (10, 40), (0.0, 0.15), (0.1, 1.0), (-18, -1))
"""Somebody who wanted this sound: the curated and the test part."""
SOUNDTRACK = Domain(0.9, (0.2, 1.0), (60, 250), (3500, 9000), (5, 30), (0.1, 0.5), (0.5, 2.0), (-12, -1))
"""Somebody who wanted a picture: the noisy part."""


def loudness(wave: Wave, rate_hz: int) -> float:
    """Root mean square of the loudest twentieth of a second, which is what an ear goes by in a short sound."""
    n_frame = max(1, min(len(wave), rate_hz // 20))
    power = np.square(wave[: len(wave) // n_frame * n_frame]).reshape(-1, n_frame).mean(axis=1)
    return float(np.sqrt(power.max()))


def room(wave: Wave, t60_s: float, wet: float, rate_hz: int, chance: np.random.Generator) -> Wave:
    """The sound and its reverberation: noise that decays exponentially, the highs sooner, after a short silence.

    Args:
        wave: the dry sound.
        t60_s: seconds until the reverberation has fallen by 60 dB.
        wet: energy of the reverberation against that of the direct sound.
        rate_hz: samples a second.
        chance: draws the echoes.
    """
    n_tail = max(2, int(t60_s * rate_hz))
    tail = chance.standard_normal(n_tail) * decay(n_tail, rate_hz, t60_s)
    dull = band(tail, 0.0, 2500.0, rate_hz, order=1)
    tail = dull + (tail - dull) * decay(n_tail, rate_hz, 0.6 * t60_s)
    tail[: int(chance.uniform(0.002, 0.012) * rate_hz)] = 0.0
    tail *= np.sqrt(wet / (np.sum(np.square(tail)) + 1e-12))
    reverberation: Wave = fftconvolve(wave, tail)[: len(wave)]
    return wave + reverberation


def background(n_samples: int, rate_hz: int, chance: np.random.Generator) -> Wave:
    """What is there when nothing happens: mains hum with a few harmonics, a low rumble, a hiss; loudness about 1."""
    mains_hz = chance.choice([50.0, 60.0])
    hum = harmonics(mains_hz, chance.exponential(1.0, 5) / (1, 2, 3, 4, 5), n_samples, rate_hz)
    rumble = band_noise(n_samples, 20.0, log_uniform(chance, 150, 800), rate_hz, chance)
    hiss = band_noise(n_samples, log_uniform(chance, 200, 2000), log_uniform(chance, 3000, 12000), rate_hz, chance)
    shares = chance.dirichlet((0.5, 0.8, 1.2))
    wave: Wave = np.sqrt(shares[0]) * hum + np.sqrt(shares[1]) * rumble + np.sqrt(shares[2]) * hiss
    wave /= loudness(wave, rate_hz) + 1e-9
    return wave


def squashed(wave: Wave, amount: float, rate_hz: int) -> Wave:
    """Automatic gain: the level of the last tenth of a second is divided out to the power ``amount``."""
    keep = np.exp(-1.0 / (0.1 * rate_hz))
    level = np.sqrt(np.maximum(lfilter([1 - keep], [1.0, -keep], np.square(wave)), 1e-8 * np.mean(np.square(wave))))
    return np.asarray(wave / (level + 1e-9) ** amount)


def record(wave: Wave, domain: Domain, rate_hz: int, chance: np.random.Generator) -> Wave:
    """One take of a sound under conditions drawn from a domain; the same length, its peak where the domain puts it.

    Args:
        wave: the sound as it was made, at any level, not silent.
        domain: ranges of the conditions.
        rate_hz: samples a second.
        chance: draws the conditions.
    """
    if chance.uniform() < domain.p_room:
        wave = room(wave, log_uniform(chance, *domain.room_t60_s), log_uniform(chance, 0.02, 0.5), rate_hz, chance)
    noise = background(len(wave), rate_hz, chance) * 10 ** (-chance.uniform(*domain.snr_db) / 20)
    wave = wave / (loudness(wave, rate_hz) + 1e-12) + noise
    wave = band(wave, log_uniform(chance, *domain.low_hz), log_uniform(chance, *domain.high_hz), rate_hz, order=2)
    wave = squashed(wave, chance.uniform(*domain.squash), rate_hz)
    wave = np.tanh(chance.uniform(*domain.drive) * wave / np.max(np.abs(wave)) * 2.0)
    return np.asarray(wave / np.max(np.abs(wave)) * 10 ** (chance.uniform(*domain.peak_db) / 20))
