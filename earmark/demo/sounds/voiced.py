"""Sounds of throats: a buzz or a hiss at one end of a tube, and the tube's resonances (formants) that shape it.

Source and filter after Fant, "Acoustic Theory of Speech Production", 1960: the glottis sets the pitch, the mouth the
vowel.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from earmark.demo.sounds.acoustics import (
    band,
    band_noise,
    beats,
    log_uniform,
    place,
    pulses,
    resonance,
    swell,
    times,
    wander,
)
from earmark.demo.sounds.family import Instance, Wave, sound

VOWELS = (
    (730, 1090, 2440),
    (270, 2290, 3010),
    (300, 870, 2240),
    (530, 1840, 2480),
    (570, 840, 2410),
    (490, 1350, 1690),
)
"""The first three formants, in Hz, of six vowels of men (Peterson and Barney 1952)."""


def voice(
    pitch_hz: Wave, formants_hz: Sequence[float], breath: float, rate_hz: int, chance: np.random.Generator
) -> Wave:
    """A throat: pulses at ``pitch_hz`` with some breath, through a tube that resonates at ``formants_hz``.

    Args:
        pitch_hz: the pitch at every sample; its length is the wave's.
        formants_hz: centres of the resonances, lowest first; each is a little wider and weaker than the one before.
        breath: how much noise goes with the pulses, 0 to about 1.
        rate_hz: samples a second.
        chance: draws the breath.
    """
    n_samples = len(pitch_hz)
    buzz = band(pulses(pitch_hz, n_samples, rate_hz), 0.0, 900.0, rate_hz, order=1)
    source = buzz / (np.std(buzz) + 1e-9) + breath * chance.standard_normal(n_samples)
    wave = np.zeros(n_samples)
    for level, formant_hz in zip((1.0, 0.9, 0.6, 0.4), formants_hz, strict=False):
        wave += level * resonance(source, formant_hz, 50.0 + 0.05 * formant_hz, rate_hz)
    return wave


@sound("Speech", span_s=(1.0, 8.0), like=("Bark", "Whistle"))
def speech(chance: np.random.Generator) -> Instance:
    """Somebody talking: four or five syllables a second, vowels and hissed consonants, on a pitch that sinks."""
    pitch_hz = log_uniform(chance, 85.0, 270.0)
    tube = 1.0 + 0.17 * np.log2(pitch_hz / 120)  # a smaller speaker has a higher voice and a shorter tube
    every_s, breath = chance.uniform(0.17, 0.28), chance.uniform(0.03, 0.2)
    lively = chance.uniform(0.08, 0.25)

    def play(n_samples: int, rate_hz: int, chance: np.random.Generator) -> Wave:
        wave = np.zeros(n_samples)
        melody = np.exp(lively * wander(n_samples, rate_hz, 2.5, chance) - 0.05 * times(n_samples, rate_hz))
        for at_s in beats(n_samples, rate_hz, every_s, 0.2, chance):
            start = int(at_s * rate_hz)
            n_vowel = min(int(every_s * chance.uniform(0.7, 1.1) * rate_hz), n_samples - start)
            mouth = [tube * f for f in VOWELS[chance.integers(len(VOWELS))]]
            vowel = voice(pitch_hz * melody[start : start + n_vowel], mouth, breath, rate_hz, chance)
            place(wave, vowel * swell(n_vowel, rate_hz, 0.03, 0.05), at_s, rate_hz, chance.uniform(0.4, 1.0))
            if chance.uniform() < 0.45:
                hiss = band_noise(int(0.08 * rate_hz), chance.uniform(1500, 4000), 7000.0, rate_hz, chance)
                place(wave, hiss * swell(len(hiss), rate_hz, 0.03, 0.03), at_s - 0.06, rate_hz, 0.15)
        return wave

    return play


@sound("Bark", span_s=(0.4, 3.0), like=("Speech", "Drum"))
def bark(chance: np.random.Generator) -> Instance:
    """A dog: a burst of a tenth of a second, rough and loud, whose pitch and mouth open and shut in one arc."""
    top_hz = log_uniform(chance, 280.0, 650.0)
    size = log_uniform(chance, 0.85, 1.4)
    formants_hz = (650 * size, 1250 * size, 2700 * size)
    length_s, every_s = chance.uniform(0.09, 0.22), chance.uniform(0.3, 0.9)
    rough = chance.uniform(0.2, 0.9)

    def play(n_samples: int, rate_hz: int, chance: np.random.Generator) -> Wave:
        wave = np.zeros(n_samples)
        for at_s in beats(n_samples, rate_hz, every_s, 0.2, chance):
            n_bark = int(length_s * chance.uniform(0.85, 1.15) * rate_hz)
            arc = np.sin(np.pi * np.linspace(0.12, 0.95, n_bark))
            pitch_hz = top_hz * (0.45 + 0.55 * arc) * (1 + 0.05 * wander(n_bark, rate_hz, 80.0, chance))
            yap = voice(pitch_hz, formants_hz, rough, rate_hz, chance)
            place(wave, yap * arc, at_s, rate_hz, chance.uniform(0.6, 1.0))
        return wave

    return play


@sound("Laughter", span_s=(0.8, 3.0), like=("Speech", "Bark"), in_vocabulary=False)
def laughter(chance: np.random.Generator) -> Instance:
    """Laughing: the same breathy "ha" about five times a second, sinking in pitch and force until the air is gone."""
    pitch_hz, every_s = log_uniform(chance, 150.0, 420.0), chance.uniform(0.16, 0.24)
    mouth = [f * chance.uniform(0.95, 1.2) for f in VOWELS[0]]

    def play(n_samples: int, rate_hz: int, chance: np.random.Generator) -> Wave:
        wave = np.zeros(n_samples)
        for at_s in beats(n_samples, rate_hz, every_s, 0.08, chance):
            n_ha = int(0.7 * every_s * rate_hz)
            tired = np.exp(-0.25 * at_s)
            arc_hz = pitch_hz * tired * np.linspace(1.15, 0.9, n_ha)
            ha = voice(arc_hz, mouth, 0.35, rate_hz, chance) * swell(n_ha, rate_hz, 0.05, 0.06)
            place(wave, ha, at_s, rate_hz, tired * chance.uniform(0.7, 1.0))
        return wave

    return play


@sound("Meow", span_s=(0.7, 2.5), like=("Siren", "Speech", "Whistle"), in_vocabulary=False)
def meow(chance: np.random.Generator) -> Instance:
    """A cat: one long note of some hundred hertz that rises and falls while the mouth opens and closes."""
    top_hz, length_s = log_uniform(chance, 420.0, 850.0), chance.uniform(0.5, 1.1)
    closed_hz, open_hz = (500.0, 1500.0, 3200.0), (1000.0, 2000.0, 3600.0)

    def play(n_samples: int, rate_hz: int, chance: np.random.Generator) -> Wave:
        wave = np.zeros(n_samples)
        for at_s in beats(n_samples, rate_hz, 1.6 * length_s, 0.15, chance):
            n_call = int(length_s * rate_hz)
            arc = np.sin(np.pi * np.linspace(0.05, 0.9, n_call))
            pitch_hz = top_hz * (0.7 + 0.3 * arc)
            shut, wide = (voice(pitch_hz, formants, 0.05, rate_hz, chance) for formants in (closed_hz, open_hz))
            place(wave, ((1 - arc) * shut + arc * wide) * swell(n_call, rate_hz, 0.08, 0.2), at_s, rate_hz)
        return wave

    return play
