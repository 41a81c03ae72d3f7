"""Sounds of things that are struck, plucked or broken: energy goes in at once and leaves through a body's modes."""

from __future__ import annotations

import numpy as np

from earmark.demo.sounds.acoustics import (
    band_noise,
    beats,
    decay,
    karplus_strong,
    log_uniform,
    modes,
    phase,
    place,
    times,
)
from earmark.demo.sounds.family import Instance, Wave, sound

BELL_RATIOS = (0.5, 1.0, 1.19, 1.5, 2.0, 2.51, 2.66, 3.01, 4.17, 5.43)
"""Partials of a tuned bell against its prime (hum, prime, minor third, fifth, nominal, ...): no tone's harmonics."""
BAR_RATIOS = (1.0, 2.756, 5.404, 8.933)
"""Modes of a bar that is free at both ends (Euler and Bernoulli)."""


@sound("Plucked_string", span_s=(0.8, 4.5), like=("Bell", "Organ"))
def plucked_string(chance: np.random.Generator) -> Instance:
    """A string: harmonic, bright at the start; the highs die first, as every turn of the wave loses some of them."""
    root_hz = log_uniform(chance, 110.0, 280.0)
    brightness = chance.uniform(0.5, 0.95)
    t60_s = chance.uniform(0.8, 4.0)
    every_s = log_uniform(chance, 0.15, 0.9)

    def play(n_samples: int, rate_hz: int, chance: np.random.Generator) -> Wave:
        wave = np.zeros(n_samples)
        # No more than eight notes: a string that is plucked again is damped by the finger anyway.
        for at_s in beats(n_samples, rate_hz, every_s * chance.uniform(0.8, 1.5), 0.15, chance)[:8]:
            note_hz = root_hz * 2 ** (chance.choice([0, 3, 5, 7, 10, 12]) / 12)
            n_note = min(n_samples - int(at_s * rate_hz), int(min(t60_s, 1.2) * rate_hz))
            note = karplus_strong(note_hz, brightness, t60_s, n_note, rate_hz, chance)
            place(wave, note, at_s, rate_hz, chance.uniform(0.5, 1.0))
        return wave

    return play


@sound("Bell", span_s=(1.2, 5.0), like=("Telephone", "Glass_shatter", "Plucked_string"))
def bell(chance: np.random.Generator) -> Instance:
    """A bell: inharmonic partials that die at their own pace, the low hum last; a clang where the clapper hits."""
    prime_hz = log_uniform(chance, 400.0, 900.0)
    ratios = np.array(BELL_RATIOS) * (1 + 0.012 * chance.standard_normal(len(BELL_RATIOS)))
    levels = chance.uniform(0.2, 1.0, len(ratios)) / np.sqrt(ratios)
    hum_t60_s = log_uniform(chance, 2.5, 9.0)
    every_s = log_uniform(chance, 0.4, 2.5)

    def play(n_samples: int, rate_hz: int, chance: np.random.Generator) -> Wave:
        wave = np.zeros(n_samples)
        for at_s in beats(n_samples, rate_hz, every_s, 0.06, chance)[:6]:
            n_rest = n_samples - int(at_s * rate_hz)
            force = levels * chance.uniform(0.7, 1.0, len(levels))
            ring = modes(prime_hz * ratios, force, hum_t60_s / ratios, n_rest, rate_hz, chance)
            place(wave, ring, at_s, rate_hz, chance.uniform(0.6, 1.0))
            clang = band_noise(int(0.03 * rate_hz), prime_hz, 8 * prime_hz, rate_hz, chance)
            place(wave, clang * decay(len(clang), rate_hz, 0.02), at_s, rate_hz, 0.5)
        return wave

    return play


@sound("Drum", span_s=(0.4, 3.0), like=("Footsteps", "Engine"))
def drum(chance: np.random.Generator) -> Instance:
    """A skin: stretched by the blow, it starts sharp and falls to its own pitch; its modes are those of a circle."""
    low_hz = log_uniform(chance, 55.0, 190.0)
    drop, drop_s = chance.uniform(0.3, 1.6), chance.uniform(0.015, 0.07)
    t60_s = chance.uniform(0.25, 0.9)
    snare = chance.choice([0.05, 0.15, 0.6]) * chance.uniform(0.6, 1.4)
    every_s = log_uniform(chance, 0.18, 0.8)

    def play(n_samples: int, rate_hz: int, chance: np.random.Generator) -> Wave:
        wave = np.zeros(n_samples)
        for at_s in beats(n_samples, rate_hz, every_s, 0.05, chance):
            n_hit = int(1.1 * t60_s * rate_hz)
            pitch_hz = low_hz * (1 + drop * np.exp(-times(n_hit, rate_hz) / drop_s))
            angle = phase(pitch_hz, n_hit, rate_hz)
            # 1.59 and 2.14: the next two zeros of the Bessel functions, the first overtones of a round skin.
            hit = np.sin(angle) + 0.4 * np.sin(1.59 * angle) * decay(n_hit, rate_hz, 0.5 * t60_s)
            hit += 0.2 * np.sin(2.14 * angle) * decay(n_hit, rate_hz, 0.3 * t60_s)
            rattle = band_noise(n_hit, 700.0, 6000.0, rate_hz, chance) * decay(n_hit, rate_hz, 0.6 * t60_s)
            place(wave, hit * decay(n_hit, rate_hz, t60_s) + snare * rattle, at_s, rate_hz, chance.uniform(0.4, 1.0))
        return wave

    return play


@sound("Glass_shatter", span_s=(0.6, 2.5), like=("Bell", "Hi-hat", "Keyboard_typing"))
def glass_shatter(chance: np.random.Generator) -> Instance:
    """Glass: one wide-band crack, then a thinning shower of shards, each a small high body with its own modes."""
    low_hz, high_hz = chance.uniform(1500, 2600), chance.uniform(5000, 7600)
    n_shards = int(chance.integers(25, 70))
    fall_s = chance.uniform(0.15, 0.5)
    ring_s = chance.uniform(0.05, 0.25)

    def play(n_samples: int, rate_hz: int, chance: np.random.Generator) -> Wave:
        wave = np.zeros(n_samples)
        start_s = chance.uniform(0.0, min(0.25, 0.2 * n_samples / rate_hz))
        n_crack = int(0.12 * rate_hz)
        crack = band_noise(n_crack, 500.0, 9000.0, rate_hz, chance) * decay(
            n_crack, rate_hz, chance.uniform(0.06, 0.12)
        )
        place(wave, crack, start_s, rate_hz, chance.uniform(0.8, 1.5))
        for after_s in chance.exponential(fall_s, n_shards):
            n_shard = int(1.3 * ring_s * rate_hz)
            pitches_hz = chance.uniform(low_hz, high_hz) * np.array([1.0, 1.37, 1.83])
            shard = modes(pitches_hz, (1.0, 0.6, 0.4), ring_s * chance.uniform(0.3, 1, 3), n_shard, rate_hz, chance)
            place(wave, shard, start_s + after_s, rate_hz, chance.uniform(0.1, 0.6) * np.exp(-after_s))
        return wave

    return play


@sound("Xylophone", span_s=(0.6, 3.0), like=("Bell", "Plucked_string", "Clock_tick"), in_vocabulary=False)
def xylophone(chance: np.random.Generator) -> Instance:
    """Wooden bars: three or four far-apart modes that wood swallows within a few tenths of a second."""
    root_hz = log_uniform(chance, 350.0, 900.0)
    t60_s = chance.uniform(0.2, 0.6)
    every_s = log_uniform(chance, 0.12, 0.5)

    def play(n_samples: int, rate_hz: int, chance: np.random.Generator) -> Wave:
        wave = np.zeros(n_samples)
        for at_s in beats(n_samples, rate_hz, every_s, 0.1, chance):
            bar_hz = root_hz * 2 ** (chance.choice([0, 2, 4, 7, 9, 12]) / 12) * np.array(BAR_RATIOS)
            knock = modes(
                bar_hz, (1, 0.4, 0.2, 0.1), t60_s / np.array(BAR_RATIOS), int(t60_s * rate_hz), rate_hz, chance
            )
            place(wave, knock, at_s, rate_hz, chance.uniform(0.5, 1.0))
        return wave

    return play
