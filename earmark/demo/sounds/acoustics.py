"""The few physical building blocks that all sounds are made of.

Waves are float64 ``[samples]``; frequencies in Hz, times in seconds. Whatever a rate cannot carry (partials and band
edges near half of it) is left out instead of folded back, so that every sound works at every rate from 16 kHz up.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from scipy.signal import butter, lfilter, sosfilt

from earmark.demo.sounds.family import Wave

HIGHEST = 0.46
"""The highest frequency that is used, as a part of the rate."""


def times(n_samples: int, rate_hz: int) -> Wave:
    """The moment of every sample, in seconds."""
    return np.asarray(np.arange(n_samples) / rate_hz)


def log_uniform(chance: np.random.Generator, low: float, high: float) -> float:
    """One number whose logarithm is uniform: pitches and times are heard in ratios."""
    return float(np.exp(chance.uniform(np.log(low), np.log(high))))


def decay(n_samples: int, rate_hz: int, t60_s: float) -> Wave:
    """An envelope that starts at 1 and has fallen by 60 dB after ``t60_s``."""
    return np.asarray(np.exp(-np.log(1000.0) / t60_s * times(n_samples, rate_hz)))


def swell(n_samples: int, rate_hz: int, attack_s: float, release_s: float) -> Wave:
    """An envelope that rises and falls like half a cosine at the two ends and is 1 between them."""
    envelope = np.ones(n_samples)
    for end, length_s in ((envelope, attack_s), (envelope[::-1], release_s)):
        n_slope = min(n_samples, int(length_s * rate_hz) + 1)
        end[:n_slope] *= 0.5 - 0.5 * np.cos(np.pi * np.arange(n_slope) / n_slope)
    return envelope


def band(wave: Wave, low_hz: float, high_hz: float, rate_hz: int, order: int = 2) -> Wave:
    """The part of a wave between two frequencies (Butterworth); an edge at 0 or above the rate's reach is no edge."""
    low, high = low_hz / (rate_hz / 2), high_hz / (rate_hz / 2)
    low = min(low, 1.6 * HIGHEST)
    if high >= 2 * HIGHEST and low <= 0:
        return wave
    if high >= 2 * HIGHEST:
        sos = butter(order, low, "highpass", output="sos")
    elif low <= 0:
        sos = butter(order, high, "lowpass", output="sos")
    else:
        sos = butter(order, [low, high], "bandpass", output="sos")
    return np.asarray(sosfilt(sos, wave))


def band_noise(n_samples: int, low_hz: float, high_hz: float, rate_hz: int, chance: np.random.Generator) -> Wave:
    """White noise between two frequencies, of standard deviation about 1."""
    wave = band(chance.standard_normal(n_samples), low_hz, high_hz, rate_hz)
    return wave / (np.std(wave) + 1e-12)


def wander(n_samples: int, rate_hz: int, speed_hz: float, chance: np.random.Generator) -> Wave:
    """A smooth random line that moves about ``speed_hz`` times a second, of standard deviation about 1.

    Random knots joined by a line: gusts, unsteady hands and drifting engines are all of this kind.
    """
    n_knots = int(n_samples / rate_hz * speed_hz) + 3
    knots = chance.standard_normal(n_knots)
    return np.interp(times(n_samples, rate_hz) * speed_hz + chance.uniform(), np.arange(n_knots), knots) * 1.2


def phase(frequency_hz: Wave | float, n_samples: int, rate_hz: int) -> Wave:
    """The running phase, in radians, of an oscillator whose frequency may change at every sample."""
    step = np.broadcast_to(np.asarray(frequency_hz, dtype=np.float64), (n_samples,)) / rate_hz
    return 2 * np.pi * np.cumsum(step)


def harmonics(frequency_hz: Wave | float, levels: Sequence[float] | Wave, n_samples: int, rate_hz: int) -> Wave:
    """A tone with overtones: ``levels[k]`` belongs to ``(k + 1)`` times the frequency; what is too high is silent."""
    angle, limit_hz = phase(frequency_hz, n_samples, rate_hz), HIGHEST * rate_hz
    lowest_hz, highest_hz = float(np.min(frequency_hz)), float(np.max(frequency_hz))
    # sin((k + 1) a) = 2 cos(a) sin(k a) - sin((k - 1) a) costs two operations where a sine costs forty.
    turn, before, now = 2 * np.cos(angle), np.zeros(n_samples), np.sin(angle)
    wave = np.zeros(n_samples)
    for multiple, level in enumerate(levels, start=1):
        if multiple * lowest_hz >= limit_hz:
            break
        audible = True if multiple * highest_hz < limit_hz else multiple * np.asarray(frequency_hz) < limit_hz
        wave += level * now * audible
        before, now = now, turn * now - before
    return wave


def modes(
    frequencies_hz: Iterable[float],
    levels: Iterable[float],
    t60s_s: Iterable[float],
    n_samples: int,
    rate_hz: int,
    chance: np.random.Generator,
) -> Wave:
    """A struck solid: the sum of its modes, each a sine that starts anywhere and dies away at its own pace."""
    wave = np.zeros(n_samples)
    for frequency_hz, level, t60_s in zip(frequencies_hz, levels, t60s_s, strict=True):
        if frequency_hz < HIGHEST * rate_hz:
            n_heard = min(n_samples, int(1.3 * t60_s * rate_hz) + 1)
            angle = 2 * np.pi * frequency_hz * times(n_heard, rate_hz) + chance.uniform(0, 2 * np.pi)
            wave[:n_heard] += level * np.sin(angle) * decay(n_heard, rate_hz, t60_s)
    return wave


def pulses(frequency_hz: Wave | float, n_samples: int, rate_hz: int) -> Wave:
    """One impulse at the start of every period: glottal closures, cylinders firing."""
    cycle = np.floor(phase(frequency_hz, n_samples, rate_hz) / (2 * np.pi))
    return np.diff(cycle, prepend=0.0)


def resonance(wave: Wave, frequency_hz: float, width_hz: float, rate_hz: int) -> Wave:
    """A two-pole resonator, as a cavity of the throat or an exhaust pipe is; gain about 1 at its peak."""
    if frequency_hz >= HIGHEST * rate_hz:
        return np.zeros_like(wave)
    radius = np.exp(-np.pi * width_hz / rate_hz)
    angle = 2 * np.pi * frequency_hz / rate_hz
    gain = (1 - radius) * np.sqrt(1 - 2 * radius * np.cos(2 * angle) + radius**2)
    return np.asarray(lfilter([gain], [1.0, -2 * radius * np.cos(angle), radius**2], wave))


def karplus_strong(
    frequency_hz: float, brightness: float, t60_s: float, n_samples: int, rate_hz: int, chance: np.random.Generator
) -> Wave:
    """A plucked string: a burst of noise goes round a delay line and loses its high part at every turn.

    Karplus and Strong, "Digital synthesis of plucked-string and drum timbres", Computer Music Journal 7(2), 1983; the
    fractional delay that puts it in tune is Jaffe's and Smith's (same issue), here by linear interpolation.

    Args:
        frequency_hz: the pitch; the delay line is one period long.
        brightness: 0 (dull) to 1 (wire): how little of the high part a turn takes.
        t60_s: seconds until the fundamental has fallen by 60 dB.
        n_samples: length of the wave.
        rate_hz: samples a second.
        chance: draws the burst.
    """
    period = rate_hz / frequency_hz
    whole = int(period)
    part = period - whole
    loss = 0.5 * (1.0 - brightness)
    smoothing = np.array([loss / 2, 1 - loss, loss / 2])
    loop = np.convolve(smoothing, [1 - part, part]) * 10 ** (-3.0 * period / (t60_s * rate_hz))
    feedback = np.zeros(whole + 3)
    feedback[0] = 1.0
    feedback[whole - 1 :] -= loop  # the smoothing is symmetrical and delays by one sample itself
    burst = np.zeros(n_samples)
    n_burst = min(whole, n_samples)
    burst[:n_burst] = chance.uniform(-1, 1, n_burst)
    return np.asarray(lfilter([1.0], feedback, burst - np.mean(burst[:n_burst]) * (burst != 0)))


def place(wave: Wave, grain: Wave, at_s: float, rate_hz: int, level: float = 1.0) -> None:
    """Add a short sound to a wave in place, from ``at_s`` on; what passes the end is cut."""
    start = max(0, int(at_s * rate_hz))
    stop = min(len(wave), start + len(grain))
    if stop > start:
        wave[start:stop] += level * grain[: stop - start]


def beats(n_samples: int, rate_hz: int, every_s: float, jitter: float, chance: np.random.Generator) -> list[float]:
    """Moments, in seconds, of something that repeats; ``jitter`` is the spread of a gap as a part of ``every_s``.

    The first one comes within the first gap and within the wave, so that no rendition is empty.
    """
    length_s = n_samples / rate_hz
    at_s = float(chance.uniform(0.0, min(0.4 * every_s, 0.3 * length_s)))
    moments = []
    while at_s < length_s:
        moments.append(at_s)
        at_s += every_s * max(0.2, 1.0 + jitter * float(chance.standard_normal()))
    return moments
