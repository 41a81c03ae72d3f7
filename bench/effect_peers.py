"""What other programs do to one clip [samples] at 44.1 kHz: audiomentations, librosa, scipy, soxr, numpy.

Each function gives what is done to a clip, with settings as near as possible to those of the effect of the same name.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from bench.processes import RATE_HZ, Wave

One = Callable[[Wave], object]


def audiomentation(name: str, settings: dict[str, Any]) -> One:
    """A transform of audiomentations, always applied."""
    import audiomentations  # type: ignore[import-untyped,import-not-found,unused-ignore]

    transform = getattr(audiomentations, name)(**settings, p=1.0)
    return lambda wave: transform(wave, RATE_HZ)


def librosa_pitch() -> One:
    """Phase vocoder and resampling."""
    import librosa

    chance = np.random.default_rng(0)
    return lambda wave: librosa.effects.pitch_shift(wave, sr=RATE_HZ, n_steps=chance.uniform(-3, 3))


def librosa_tempo() -> One:
    """Phase vocoder."""
    import librosa

    chance = np.random.default_rng(0)
    return lambda wave: librosa.effects.time_stretch(wave, rate=chance.uniform(0.9, 1.1))


def soxr_speed() -> One:
    """Resampling at soxr's high quality."""
    import soxr

    chance = np.random.default_rng(0)
    return lambda wave: soxr.resample(wave, RATE_HZ, RATE_HZ / chance.uniform(0.9, 1.1))


def scipy_reverb(seconds: float = 1.0) -> One:
    """FFT convolution with decaying noise."""
    from scipy.signal import fftconvolve

    chance = np.random.default_rng(0)
    n = int(seconds * RATE_HZ)
    decay = np.exp(-6.9 * np.arange(n) / n).astype(np.float32)

    def one(wave: Wave) -> object:
        response = chance.standard_normal(n, dtype=np.float32) * decay
        return wave + 0.3 * fftconvolve(wave, response)[: len(wave)].astype(np.float32)

    return one


def numpy_overdrive() -> One:
    """The transfer of SoX's overdrive without its high-pass."""
    chance = np.random.default_rng(0)

    def one(wave: Wave) -> object:
        driven = np.clip(wave * 10 ** (chance.uniform(2, 10) / 20) + 0.1, -1, 1)
        return 0.5 * wave + 0.75 * (driven - driven**3 / 3)

    return one


def numpy_chunk_shuffle() -> One:
    """Half-second slices in random order."""
    chance = np.random.default_rng(0)

    def one(wave: Wave) -> object:
        parts = np.array_split(wave, max(1, int(len(wave) / RATE_HZ / 0.5)))
        return np.concatenate([parts[i] for i in chance.permutation(len(parts))])

    return one


def numpy_slice() -> One:
    """A part of a clip at a random place in zeros."""
    chance = np.random.default_rng(0)

    def one(wave: Wave) -> object:
        n = int(len(wave) * chance.uniform(0.25, 1))
        out = np.zeros_like(wave)
        start, place = (chance.integers(0, len(wave) - n + 1) for _ in range(2))
        out[place : place + n] = wave[start : start + n]
        return out

    return one


def numpy_segment() -> One:
    """A random share of a clip."""
    chance = np.random.default_rng(0)

    def one(wave: Wave) -> object:
        n = int(len(wave) * chance.uniform(0.3, 0.9))
        start = chance.integers(0, len(wave) - n + 1)
        return wave[start : start + n].copy()

    return one


def numpy_mixup() -> One:
    """With the clip before."""
    chance = np.random.default_rng(0)
    before: list[Wave] = []

    def one(wave: Wave) -> object:
        share = np.float32(chance.beta(1, 1))
        mixed = share * wave + (1 - share) * (before[-1] if before else wave)
        before[:] = [wave]
        return mixed

    return one


def chain() -> One:
    """Reverb, pitch, overdrive and speed, one after the other."""
    steps = [scipy_reverb(), librosa_pitch(), numpy_overdrive(), soxr_speed()]

    def one(wave: Wave) -> object:
        for step in steps:
            wave = np.asarray(step(wave), dtype=np.float32)
        return wave

    return one
