"""Sounds of machines: something turns and hits once a turn; its rate, steadiness and body tell which."""

from __future__ import annotations

import numpy as np

from earmark.demo.sounds.acoustics import (
    band_noise,
    beats,
    decay,
    harmonics,
    log_uniform,
    modes,
    phase,
    place,
    pulses,
    resonance,
    wander,
)
from earmark.demo.sounds.family import Instance, Wave, sound


@sound("Engine", span_s=(1.2, 9.0), like=("Motorboat", "Wind", "Drum"))
def engine(chance: np.random.Generator) -> Instance:
    """A car: cylinders fire 30 to 90 times a second, fast enough to hum, never quite evenly, into a resonant pipe."""
    firing_hz = log_uniform(chance, 28.0, 90.0)
    uneven = chance.uniform(0.02, 0.07)
    pipe = [(log_uniform(chance, low, 3 * low), chance.uniform(40, 140)) for low in (70.0, 220.0, 700.0)]
    intake = chance.uniform(0.02, 0.15)
    revs = chance.uniform(0.02, 0.25)

    def play(n_samples: int, rate_hz: int, chance: np.random.Generator) -> Wave:
        turning_hz = firing_hz * np.exp(revs * wander(n_samples, rate_hz, 0.7, chance))
        turning_hz = turning_hz * (1 + uneven * wander(n_samples, rate_hz, firing_hz, chance))
        blows = pulses(np.maximum(turning_hz, 5.0), n_samples, rate_hz)
        blows = blows * (1 + 0.3 * chance.standard_normal(n_samples))
        wave = np.zeros(n_samples)
        for level, (centre_hz, width_hz) in zip((1.0, 0.7, 0.35), pipe, strict=True):
            pipe_wave = resonance(blows, centre_hz, width_hz, rate_hz)
            wave += level * pipe_wave / (np.std(pipe_wave) + 1e-9)
        return wave + intake * band_noise(n_samples, 300.0, 3000.0, rate_hz, chance)

    return play


@sound("Motorboat", span_s=(1.5, 5.0), like=("Engine", "Rain", "Footsteps"))
def motorboat(chance: np.random.Generator) -> Instance:
    """A small boat: so slow an engine that every stroke is heard, putt by putt, and the water rushes along the hull."""
    stroke_hz = log_uniform(chance, 7.0, 18.0)
    pipe_hz, width_hz = log_uniform(chance, 110.0, 420.0), chance.uniform(60, 160)
    water, splash_hz = chance.uniform(0.1, 0.5), chance.uniform(900, 2500)

    def play(n_samples: int, rate_hz: int, chance: np.random.Generator) -> Wave:
        strokes = pulses(stroke_hz * (1 + 0.06 * wander(n_samples, rate_hz, 4.0, chance)), n_samples, rate_hz)
        n_puff = int(0.03 * rate_hz)
        puff = chance.standard_normal(n_puff) * decay(n_puff, rate_hz, 0.05)
        putts = resonance(np.convolve(strokes, puff)[:n_samples], pipe_hz, width_hz, rate_hz)
        wash = band_noise(n_samples, 300.0, splash_hz, rate_hz, chance)
        return putts / (np.std(putts) + 1e-9) + water * wash * (1 + 0.3 * wander(n_samples, rate_hz, 2.0, chance))

    return play


@sound("Clock_tick", span_s=(1.2, 5.0), like=("Keyboard_typing", "Footsteps", "Hi-hat"))
def clock_tick(chance: np.random.Generator) -> Instance:
    """A clock: the escapement frees one tooth at exact times; tick and tock ring on two different pallets."""
    every_s = float(chance.choice([0.2, 0.25, 0.5, 1 / 3]))
    case_hz, tooth_hz = log_uniform(chance, 500.0, 1300.0), log_uniform(chance, 1800.0, 5500.0)
    tock = chance.uniform(0.72, 0.95)
    t60_s = chance.uniform(0.02, 0.09)
    tock_level = chance.uniform(0.5, 1.0)

    def play(n_samples: int, rate_hz: int, chance: np.random.Generator) -> Wave:
        wave = np.zeros(n_samples)
        n_tick = int(0.12 * rate_hz)
        for count, at_s in enumerate(beats(n_samples, rate_hz, every_s, 0.003, chance)):
            pallet = tock if count % 2 else 1.0
            pitches_hz = np.array([case_hz, tooth_hz, 1.6 * tooth_hz]) * pallet
            tick = modes(pitches_hz, (0.5, 1.0, 0.5), (2 * t60_s, t60_s, 0.7 * t60_s), n_tick, rate_hz, chance)
            place(wave, tick, at_s, rate_hz, tock_level if count % 2 else 1.0)
        return wave

    return play


@sound("Drill", span_s=(1.0, 4.0), like=("Engine", "Motorboat", "Siren"), in_vocabulary=False)
def drill(chance: np.random.Generator) -> Instance:
    """A hand drill: the commutator buzzes at hundreds of hertz, gears whine above, and the pitch sinks under load."""
    buzz_hz, gears = log_uniform(chance, 130.0, 320.0), int(chance.integers(7, 14))
    load = chance.uniform(0.05, 0.25)

    def play(n_samples: int, rate_hz: int, chance: np.random.Generator) -> Wave:
        turning_hz = buzz_hz * np.exp(-load * np.abs(wander(n_samples, rate_hz, 1.2, chance)))
        buzz = harmonics(turning_hz, [1 / k for k in range(1, 25)], n_samples, rate_hz)
        whine = np.sin(gears * phase(turning_hz, n_samples, rate_hz))
        return buzz + 0.5 * whine + 0.3 * band_noise(n_samples, 1000.0, 6000.0, rate_hz, chance)

    return play
