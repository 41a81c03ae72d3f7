"""Sounds without a pitch: many small accidents, moving air, things that knock; what differs is when and where."""

from __future__ import annotations

import numpy as np

from earmark.demo.sounds.acoustics import (
    band,
    band_noise,
    beats,
    decay,
    log_uniform,
    phase,
    place,
    resonance,
    swell,
    times,
    wander,
)
from earmark.demo.sounds.family import Instance, Wave, sound


def shots(n_samples: int, per_s: float, rate_hz: int, chance: np.random.Generator) -> Wave:
    """Impulses at random moments, ``per_s`` a second (Poisson), most of them small: drops, cracks, claps."""
    wave = np.zeros(n_samples)
    where = chance.integers(0, n_samples, max(1, int(chance.poisson(per_s * n_samples / rate_hz))))
    np.add.at(wave, where, chance.exponential(1.0, len(where)) * chance.choice([-1.0, 1.0], len(where)))
    return wave


@sound("Rain", span_s=(1.5, 9.0), like=("Wind", "Hi-hat", "Keyboard_typing"))
def rain(chance: np.random.Generator) -> Instance:
    """Rain: thousands of drops a second, each a tiny resonant plop, over the hiss of those far away."""
    per_s = log_uniform(chance, 150.0, 3000.0)
    drops = [(log_uniform(chance, 700, 6000), chance.uniform(300, 1200)) for _ in range(3)]
    hiss, tilt_hz = chance.uniform(0.15, 0.8), chance.uniform(2500, 7000)

    def play(n_samples: int, rate_hz: int, chance: np.random.Generator) -> Wave:
        wave = hiss * band_noise(n_samples, 500.0, tilt_hz, rate_hz, chance)
        for centre_hz, width_hz in drops:
            plops = resonance(shots(n_samples, per_s / 3, rate_hz, chance), centre_hz, width_hz, rate_hz)
            wave += plops / (np.std(plops) + 1e-9) * 0.6
        return wave * (1 + 0.1 * wander(n_samples, rate_hz, 1.0, chance))

    return play


@sound("Wind", span_s=(1.5, 9.0), like=("Rain", "Engine"))
def wind(chance: np.random.Generator) -> Instance:
    """Wind: turbulent air is low noise in gusts; an edge in its way whistles at a pitch that follows the speed."""
    cutoff_hz = log_uniform(chance, 250.0, 1200.0)
    whine_hz, whine = log_uniform(chance, 350.0, 1100.0), chance.uniform(0.0, 0.5)
    gusts_hz = chance.uniform(0.4, 1.6)

    def play(n_samples: int, rate_hz: int, chance: np.random.Generator) -> Wave:
        speed = np.exp(0.45 * wander(n_samples, rate_hz, gusts_hz, chance))
        rumble = band_noise(n_samples, 30.0, cutoff_hz, rate_hz, chance)
        body = band_noise(n_samples, cutoff_hz, 3.0 * cutoff_hz, rate_hz, chance)
        # Narrow noise carried up by a moving tone: a whistle without a clear pitch.
        carrier = np.sin(phase(whine_hz * speed**0.4, n_samples, rate_hz))
        howl = band_noise(n_samples, 0.0, 40.0, rate_hz, chance) * carrier
        return speed * rumble + 0.3 * speed**2 * body + whine * speed**2 * howl

    return play


@sound("Hi-hat", span_s=(0.4, 2.5), like=("Rain", "Glass_shatter", "Clock_tick"))
def hi_hat(chance: np.random.Generator) -> Instance:
    """Two thin cymbals: so many modes that they sound as noise above a few kHz, short when closed, long when open."""
    low_hz = chance.uniform(2800, 5500)
    metal_hz = np.sort(chance.uniform(300, 900, 5))
    metal = chance.uniform(0.1, 0.6)
    t60_s = log_uniform(chance, 0.06, 0.7)
    every_s = log_uniform(chance, 0.14, 0.6)

    def play(n_samples: int, rate_hz: int, chance: np.random.Generator) -> Wave:
        n_hit = int(1.1 * t60_s * rate_hz)
        # Squares at unrelated pitches, high-passed: the recipe of the drum machines of around 1980.
        squares = sum((np.sign(np.sin(phase(f, n_samples, rate_hz))) for f in metal_hz), np.zeros(n_samples))
        hiss = band(chance.standard_normal(n_samples) + metal * squares, low_hz, rate_hz, rate_hz, order=3)
        envelope = np.zeros(n_samples)
        for at_s in beats(n_samples, rate_hz, every_s, 0.04, chance):
            place(envelope, decay(n_hit, rate_hz, t60_s), at_s, rate_hz, chance.uniform(0.4, 1.0))
        return hiss * envelope

    return play


@sound("Footsteps", span_s=(1.2, 5.0), like=("Drum", "Clock_tick", "Keyboard_typing"))
def footsteps(chance: np.random.Generator) -> Instance:
    """Walking: the heel thumps, the sole scrapes, left and right differ a little, and the pace is steady."""
    every_s = chance.uniform(0.38, 0.75)
    thump_hz, width_hz = log_uniform(chance, 70.0, 350.0), chance.uniform(50, 150)
    floor_hz = log_uniform(chance, 600.0, 3500.0)
    scrape, knock = chance.uniform(0.1, 0.8), chance.uniform(0.1, 0.8)

    def step(rate_hz: int, chance: np.random.Generator, foot: float) -> Wave:
        n_step = int(0.28 * rate_hz)
        blow = chance.standard_normal(n_step) * decay(n_step, rate_hz, 0.03)
        heel = resonance(blow, thump_hz * foot, width_hz, rate_hz)
        click = resonance(blow, floor_hz * foot, 400.0, rate_hz)
        sole = band_noise(n_step, 0.6 * floor_hz, 3 * floor_hz, rate_hz, chance) * swell(n_step, rate_hz, 0.06, 0.15)
        click *= knock / np.max(np.abs(click))
        return np.asarray(heel / np.max(np.abs(heel)) + click + 0.12 * scrape * sole)

    def play(n_samples: int, rate_hz: int, chance: np.random.Generator) -> Wave:
        wave = np.zeros(n_samples)
        for count, at_s in enumerate(beats(n_samples, rate_hz, every_s * chance.uniform(0.9, 1.1), 0.04, chance)):
            place(wave, step(rate_hz, chance, 1.0 + 0.1 * (count % 2)), at_s, rate_hz, chance.uniform(0.7, 1.0))
        return wave

    return play


@sound("Keyboard_typing", span_s=(1.0, 4.0), like=("Clock_tick", "Footsteps", "Rain"))
def keyboard_typing(chance: np.random.Generator) -> Instance:
    """Typing: every key clicks down and up, at the uneven pace of words, and each rings a little differently."""
    per_s = chance.uniform(4.0, 9.0)
    body_hz, plastic_hz = log_uniform(chance, 250.0, 900.0), log_uniform(chance, 1800.0, 5500.0)
    hold_s = chance.uniform(0.06, 0.13)

    def click(rate_hz: int, chance: np.random.Generator) -> Wave:
        n_click = int(0.05 * rate_hz)
        blow = chance.standard_normal(n_click) * decay(n_click, rate_hz, 0.008)
        body = resonance(blow, body_hz * chance.uniform(0.9, 1.1), 150.0, rate_hz)
        return 0.7 * body + resonance(blow, plastic_hz * chance.uniform(0.85, 1.15), 500.0, rate_hz)

    def play(n_samples: int, rate_hz: int, chance: np.random.Generator) -> Wave:
        wave = np.zeros(n_samples)
        for at_s in beats(n_samples, rate_hz, 1 / per_s, 0.6, chance):
            if at_s < 0.2 or chance.uniform() > 0.18:  # the gaps between words
                place(wave, click(rate_hz, chance), at_s, rate_hz, chance.uniform(0.6, 1.0))
                place(wave, click(rate_hz, chance), at_s + hold_s * chance.uniform(0.8, 1.2), rate_hz, 0.4)
        return wave

    return play


@sound("Applause", span_s=(1.5, 5.0), like=("Rain", "Wind", "Hi-hat"), in_vocabulary=False)
def applause(chance: np.random.Generator) -> Instance:
    """A crowd: dozens of claps a second, each a puff of noise around the hollow of two hands."""
    per_s = log_uniform(chance, 25.0, 150.0)
    hands = [(log_uniform(chance, 700, 2200), chance.uniform(250, 600)) for _ in range(3)]

    def play(n_samples: int, rate_hz: int, chance: np.random.Generator) -> Wave:
        wave = np.zeros(n_samples)
        n_puff = int(0.02 * rate_hz)
        for centre_hz, width_hz in hands:
            puff = chance.standard_normal(n_puff) * decay(n_puff, rate_hz, 0.02)
            claps = np.convolve(shots(n_samples, per_s / 3, rate_hz, chance), puff)[:n_samples]
            wave += resonance(claps, centre_hz, width_hz, rate_hz)
        return wave * (1 + 0.2 * wander(n_samples, rate_hz, 1.0, chance))

    return play


@sound("Waves", span_s=(2.5, 9.0), like=("Wind", "Rain"), in_vocabulary=False)
def waves(chance: np.random.Generator) -> Instance:
    """Surf: noise that swells over seconds as a wave comes in, breaks bright and drains away as a hiss."""
    every_s = chance.uniform(1.8, 3.5)
    break_hz = log_uniform(chance, 900.0, 2500.0)

    def play(n_samples: int, rate_hz: int, chance: np.random.Generator) -> Wave:
        cycle = (times(n_samples, rate_hz) / every_s + chance.uniform()) % 1.0
        roar = band_noise(n_samples, 60.0, 600.0, rate_hz, chance) * (0.15 + np.sin(np.pi * cycle) ** 2)
        foam = band_noise(n_samples, break_hz, 4 * break_hz, rate_hz, chance)
        return roar + 0.6 * foam * np.clip(cycle * 3 - 0.8, 0, 1) * (1 - cycle) ** 1.5

    return play


@sound("Crackling_fire", span_s=(1.5, 5.0), like=("Keyboard_typing", "Rain", "Glass_shatter"), in_vocabulary=False)
def crackling_fire(chance: np.random.Generator) -> Instance:
    """Fire: sap pops in sharp cracks without any rhythm over the breathing rumble of the flames."""
    per_s = log_uniform(chance, 8.0, 35.0)
    crack_hz = log_uniform(chance, 1200.0, 4500.0)
    rumble = chance.uniform(0.05, 0.25)

    def play(n_samples: int, rate_hz: int, chance: np.random.Generator) -> Wave:
        pops = shots(n_samples, per_s, rate_hz, chance) ** 3
        cracks = resonance(pops, crack_hz, 900.0, rate_hz) + 0.3 * resonance(pops, 0.4 * crack_hz, 300.0, rate_hz)
        breath = band_noise(n_samples, 40.0, 350.0, rate_hz, chance) * (
            1 + 0.4 * wander(n_samples, rate_hz, 3.0, chance)
        )
        return cracks / (np.std(cracks) + 1e-9) + rumble * breath

    return play
