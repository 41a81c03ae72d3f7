"""Sounds with a pitch that is held, glides or is keyed: air and circuits that oscillate, each along its own line."""

from __future__ import annotations

import numpy as np
from scipy.signal import sawtooth

from earmark.demo.sounds.acoustics import (
    band_noise,
    beats,
    harmonics,
    log_uniform,
    phase,
    place,
    swell,
    times,
    wander,
)
from earmark.demo.sounds.family import Instance, Wave, sound


def sweep(low_hz: float, high_hz: float, period_s: float, start: float, n_samples: int, rate_hz: int) -> Wave:
    """A pitch that rises and falls between two frequencies, evenly in octaves.

    Args:
        low_hz: the lowest pitch.
        high_hz: the highest pitch.
        period_s: seconds for one rise and one fall.
        start: where in the cycle it begins, 0 (low) to 1.
        n_samples: length.
        rate_hz: samples a second.
    """
    cycle = 0.5 + 0.5 * sawtooth(2 * np.pi * (times(n_samples, rate_hz) / period_s + start), width=0.5)
    return np.asarray(low_hz * (high_hz / low_hz) ** cycle)


@sound("Whistle", span_s=(0.6, 3.5), like=("Bird_chirp", "Siren"))
def whistle(chance: np.random.Generator) -> Instance:
    """Lips: nearly a pure sine, as the mouth amplifies one pitch only; it glides, trembles and lets breath through."""
    low_hz = log_uniform(chance, 800.0, 1500.0)
    tremble, tremble_hz = chance.uniform(0.003, 0.02), chance.uniform(4, 7)
    breath = chance.uniform(0.01, 0.08)
    note_s = log_uniform(chance, 0.25, 0.9)

    def play(n_samples: int, rate_hz: int, chance: np.random.Generator) -> Wave:
        n_notes = int(n_samples / rate_hz / note_s) + 2
        knots = np.cumsum(chance.choice([-4, -2, 2, 3, 5], n_notes)) * 1.0
        line = np.interp(times(n_samples, rate_hz) / note_s, np.arange(n_notes), np.abs((knots + 12) % 24 - 12))
        shake = 1 + tremble * np.sin(phase(tremble_hz, n_samples, rate_hz))
        tone = np.sin(phase(low_hz * 2 ** (line / 12) * shake, n_samples, rate_hz))
        air = band_noise(n_samples, low_hz, 3 * low_hz, rate_hz, chance)
        level = swell(n_samples, rate_hz, 0.08, 0.12) * (1 + 0.25 * wander(n_samples, rate_hz, 3.0, chance))
        return (tone + breath * air) * level

    return play


@sound("Siren", span_s=(1.5, 7.0), like=("Whistle", "Organ", "Telephone"))
def siren(chance: np.random.Generator) -> Instance:
    """A siren: a horn's many harmonics on a pitch that rises and falls by an octave, slowly (wail) or fast (yelp)."""
    low_hz = log_uniform(chance, 350.0, 750.0)
    high_hz = low_hz * chance.uniform(1.6, 2.6)
    period_s = log_uniform(chance, 0.3, 4.0)
    levels = [chance.uniform(0.3, 1.0) / k for k in range(1, 9)]

    def play(n_samples: int, rate_hz: int, chance: np.random.Generator) -> Wave:
        line_hz = sweep(low_hz, high_hz, period_s, chance.uniform(), n_samples, rate_hz)
        wave = harmonics(line_hz, levels, n_samples, rate_hz)
        return wave * (1 + 0.2 * wander(n_samples, rate_hz, 0.8, chance))

    return play


@sound("Telephone", span_s=(0.8, 4.0), like=("Bell", "Cricket", "Siren"))
def telephone(chance: np.random.Generator) -> Instance:
    """An electronic ring: two pitches in turn, some twenty times a second, keyed on and off in a steady cadence."""
    low_hz = log_uniform(chance, 750.0, 1300.0)
    high_hz = low_hz * chance.choice([5 / 4, 4 / 3, 3 / 2])
    warble_hz = chance.uniform(10, 26)
    on_s, off_s = chance.uniform(0.35, 1.0), chance.uniform(0.15, 0.6)
    levels = (1.0, 0.0, chance.uniform(0.1, 0.4), 0.0, chance.uniform(0.05, 0.2))

    def play(n_samples: int, rate_hz: int, chance: np.random.Generator) -> Wave:
        t = times(n_samples, rate_hz)
        line_hz = np.where((t * warble_hz) % 1.0 < 0.5, low_hz, high_hz)
        keyed = ((t + chance.uniform(0.0, 0.5 * on_s)) % (on_s + off_s) < on_s).astype(np.float64)
        return harmonics(line_hz, levels, n_samples, rate_hz) * keyed

    return play


@sound("Organ", span_s=(1.0, 4.5), like=("Plucked_string", "Siren"))
def organ(chance: np.random.Generator) -> Instance:
    """Pipes: a chord held without any decay; every stop sounds a whole-number multiple of the key."""
    root_hz = log_uniform(chance, 98.0, 196.0)
    chord = chance.choice([(0, 4, 7), (0, 3, 7), (0, 5, 9), (0, 7, 12)])
    stops = np.zeros(16)
    stops[[0, 1, 2, 3, 5, 7]] = chance.uniform(0.3, 1.0, 6) / np.sqrt([1, 2, 3, 4, 6, 8])
    reed = [chance.uniform(0.05, 0.25) / np.sqrt(k) for k in range(1, 17)]
    change_s = chance.uniform(0.6, 2.0)

    def play(n_samples: int, rate_hz: int, chance: np.random.Generator) -> Wave:
        wave = np.zeros(n_samples)
        for at_s in np.arange(0.0, n_samples / rate_hz, change_s):
            n_chord = min(int(change_s * rate_hz), n_samples - int(at_s * rate_hz))
            shift = chance.choice([-5, -2, 0, 0, 2, 5])
            for step in chord:
                key_hz = root_hz * 2 ** ((step + shift) / 12) * (1 + 0.002 * chance.standard_normal())
                pipe = harmonics(key_hz, (stops + reed).tolist(), n_chord, rate_hz)
                place(wave, pipe * swell(n_chord, rate_hz, 0.05, 0.05), at_s, rate_hz)
        return wave

    return play


@sound("Bird_chirp", span_s=(0.5, 3.5), like=("Whistle", "Cricket"))
def bird_chirp(chance: np.random.Generator) -> Instance:
    """A songbird: a small syrinx turns its pitch by kilohertz in hundredths of a second, syllable after syllable."""
    centre_hz = log_uniform(chance, 2400.0, 4600.0)
    syllable_s = log_uniform(chance, 0.04, 0.16)
    every_s = syllable_s * chance.uniform(1.4, 3.0)
    slide, curve = chance.uniform(-0.35, 0.35), chance.uniform(-0.3, 0.3)
    trill, trill_hz = chance.uniform(0, 0.12), chance.uniform(25, 70)

    def play(n_samples: int, rate_hz: int, chance: np.random.Generator) -> Wave:
        wave = np.zeros(n_samples)
        n_syllable = int(syllable_s * rate_hz)
        x = np.linspace(-1, 1, n_syllable)
        for at_s in beats(n_samples, rate_hz, every_s, 0.1, chance):
            if at_s < 0.5 or chance.uniform() > 0.25:  # phrases
                line = slide * x + curve * x**2 + trill * np.sin(phase(trill_hz, n_syllable, rate_hz))
                line_hz = centre_hz * chance.uniform(0.95, 1.05) * np.exp(line)
                syllable = harmonics(line_hz, (1.0, 0.15), n_syllable, rate_hz)
                place(wave, syllable * np.cos(0.5 * np.pi * x), at_s, rate_hz, chance.uniform(0.5, 1.0))
        return wave

    return play


@sound("Cricket", span_s=(1.0, 5.0), like=("Bird_chirp", "Telephone", "Clock_tick"))
def cricket(chance: np.random.Generator) -> Instance:
    """A cricket: a scraper runs along a comb, so one high pitch comes in a burst of equal pulses, and then a rest."""
    carrier_hz = log_uniform(chance, 3200.0, 5200.0)
    pulse_hz, n_pulses = chance.uniform(22, 60), int(chance.integers(2, 9))
    every_s = (n_pulses / pulse_hz) * chance.uniform(1.3, 3.0)

    def play(n_samples: int, rate_hz: int, chance: np.random.Generator) -> Wave:
        n_chirp = int(n_pulses / pulse_hz * rate_hz)
        comb = np.sin(0.5 * phase(pulse_hz, n_chirp, rate_hz)) ** 2
        ramp = np.linspace(0.6, 1.0, n_chirp)
        envelope = np.zeros(n_samples)
        for at_s in beats(n_samples, rate_hz, every_s, 0.05, chance):
            place(envelope, comb * ramp, at_s, rate_hz, chance.uniform(0.7, 1.0))
        line_hz = carrier_hz * (1 + 0.004 * wander(n_samples, rate_hz, 4.0, chance))
        return harmonics(line_hz, (1.0, 0.1), n_samples, rate_hz) * envelope

    return play


@sound("Reversing_beeper", span_s=(1.0, 4.0), like=("Telephone", "Whistle", "Siren"), in_vocabulary=False)
def reversing_beeper(chance: np.random.Generator) -> Instance:
    """A lorry backing up: one pitch, as long on as off, and nothing about it ever changes."""
    tone_hz, every_s = log_uniform(chance, 900.0, 2400.0), chance.uniform(0.5, 1.1)
    levels = (1.0, 0.0, chance.uniform(0.05, 0.3))

    def play(n_samples: int, rate_hz: int, chance: np.random.Generator) -> Wave:
        on = (times(n_samples, rate_hz) / every_s + chance.uniform(0.0, 0.3)) % 1.0 < 0.5
        return harmonics(tone_hz, levels, n_samples, rate_hz) * on

    return play
