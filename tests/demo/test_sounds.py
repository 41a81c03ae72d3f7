"""The family of sounds: every member's law, and the physics where a formula can be held against the wave."""

from __future__ import annotations

import numpy as np
import pytest

from earmark.demo.sounds import out_of_vocabulary, sounds, vocabulary
from earmark.demo.sounds.acoustics import (
    band,
    beats,
    harmonics,
    karplus_strong,
    modes,
    phase,
    place,
    pulses,
    resonance,
    swell,
    wander,
)
from earmark.demo.sounds.family import Wave
from earmark.demo.sounds.tonal import sweep

RATE_HZ = 16_000


def chance(*words: int) -> np.random.Generator:
    return np.random.default_rng([9, *words])


def peak_hz(wave: Wave, low_hz: float = 20.0, high_hz: float = 8000.0) -> float:
    """The strongest frequency of a wave inside a band, to a fraction of a hertz."""
    n_fft = 4 * RATE_HZ
    spectrum = np.abs(np.fft.rfft(wave * np.hanning(len(wave)), n_fft))
    frequency_hz = np.fft.rfftfreq(n_fft, 1 / RATE_HZ)
    spectrum[(frequency_hz < low_hz) | (frequency_hz > high_hz)] = 0
    return float(frequency_hz[np.argmax(spectrum)])


def part_of_energy(wave: Wave, low_hz: float, high_hz: float) -> float:
    """How much of a wave's energy lies between two frequencies."""
    power = np.abs(np.fft.rfft(wave)) ** 2
    frequency_hz = np.fft.rfftfreq(len(wave), 1 / RATE_HZ)
    return float(power[(frequency_hz >= low_hz) & (frequency_hz < high_hz)].sum() / power.sum())


def rendition(name: str, instance: int = 0, play: int = 0, seconds: float = 2.0) -> Wave:
    return sounds()[name].draw(chance(instance))(int(seconds * RATE_HZ), RATE_HZ, chance(instance, play))


def test_the_vocabulary_is_large_enough_and_alphabetical() -> None:
    assert len(vocabulary()) >= 16
    assert len(out_of_vocabulary()) >= 4
    assert vocabulary() == sorted(vocabulary())
    assert not set(vocabulary()) & set(out_of_vocabulary())
    assert all("," not in name for name in sounds())  # a comma joins labels


@pytest.mark.parametrize("name", list(sounds()))
def test_what_a_sound_is_mistaken_for_is_another_class_of_the_vocabulary(name: str) -> None:
    assert set(sounds()[name].like) <= set(vocabulary()) - {name}
    assert sounds()[name].like


@pytest.mark.parametrize("name", list(sounds()))
@pytest.mark.parametrize(("rate_hz", "seconds"), [(16_000, 0.3), (16_000, 2.0), (44_100, 0.8)])
def test_every_sound_is_finite_audible_and_as_long_as_asked(name: str, rate_hz: int, seconds: float) -> None:
    for seed in range(3):
        wave = sounds()[name].draw(chance(seed))(int(seconds * rate_hz), rate_hz, chance(seed, 1))
        assert wave.shape == (int(seconds * rate_hz),)
        assert np.isfinite(wave).all()
        assert np.max(np.abs(wave)) > 1e-3


@pytest.mark.parametrize("name", list(sounds()))
def test_an_instance_replays_and_its_renditions_differ(name: str) -> None:
    assert np.array_equal(rendition(name), rendition(name))
    assert not np.array_equal(rendition(name), rendition(name, play=1))
    assert not np.array_equal(rendition(name), rendition(name, instance=1))


@pytest.mark.parametrize("name", ["Bell", "Bird_chirp", "Cricket", "Organ", "Siren", "Telephone"])
def test_tones_that_the_rate_cannot_carry_are_left_out_not_folded_back(name: str) -> None:
    assert part_of_energy(rendition(name) * np.hanning(2 * RATE_HZ), 0.975 * RATE_HZ / 2, RATE_HZ) < 1e-2


@pytest.mark.parametrize("frequency_hz", [110.0, 233.1, 441.7, 660.0])
def test_a_string_is_in_tune(frequency_hz: float) -> None:
    wave = karplus_strong(frequency_hz, 0.7, 3.0, RATE_HZ, RATE_HZ, chance(1))
    assert peak_hz(wave, 0.7 * frequency_hz, 1.4 * frequency_hz) == pytest.approx(frequency_hz, rel=0.005)


def test_a_string_loses_its_highs_first_and_its_fundamental_in_the_time_asked() -> None:
    wave = karplus_strong(200.0, 0.6, 1.5, 2 * RATE_HZ, RATE_HZ, chance(2))
    early, late = wave[1600:8000], wave[16_000:22_400]
    assert part_of_energy(late, 2000, 8000) < 0.1 * part_of_energy(early, 2000, 8000)
    low_early, low_late = (np.std(band(part, 150, 250, RATE_HZ)[1600:]) for part in (early, late))
    # The smoothing in the loop takes a little of the fundamental too, hence the tolerance.
    assert -20 * np.log10(low_late / low_early) == pytest.approx(60 * 0.9 / 1.5, rel=0.25)


def test_modes_die_at_their_own_pace() -> None:
    wave = modes([500.0, 3000.0], [1.0, 1.0], [2.0, 0.4], RATE_HZ, RATE_HZ, chance(3))
    for frequency_hz, t60_s in ((500.0, 2.0), (3000.0, 0.4)):
        alone = band(wave, 0.8 * frequency_hz, 1.2 * frequency_hz, RATE_HZ)
        before, after = np.std(alone[1600:3200]), np.std(alone[4800:6400])
        assert 20 * np.log10(before / after) == pytest.approx(60 * 0.2 / t60_s, rel=0.05)


def test_a_bell_is_inharmonic_and_rings_longer_below() -> None:
    wave = rendition("Bell", seconds=3.0)
    strike = int(np.argmax(np.abs(wave) > 0.3 * np.max(np.abs(wave))))
    start, end = wave[strike : strike + 1600], wave[strike + 4800 : strike + 6400]
    assert part_of_energy(end, 0, 1500) > part_of_energy(start, 0, 1500)


def test_a_siren_sweeps_its_whole_range_and_no_more() -> None:
    line_hz = sweep(400.0, 900.0, 2.0, 0.0, 4 * RATE_HZ, RATE_HZ)
    assert line_hz[0] == pytest.approx(400.0)
    assert line_hz.min() >= 400.0 - 1e-9
    assert line_hz.max() == pytest.approx(900.0, rel=1e-3)
    assert line_hz[RATE_HZ] == pytest.approx(900.0, rel=1e-3)  # half a period up
    wave = harmonics(line_hz, [1.0], len(line_hz), RATE_HZ)
    assert part_of_energy(wave, 380, 920) > 0.98


def test_a_drum_falls_in_pitch() -> None:
    for instance in range(4):
        wave = band(rendition("Drum", instance), 20, 500, RATE_HZ)
        hit = int(np.argmax(np.abs(wave) > 0.3 * np.max(np.abs(wave))))
        crossings = np.flatnonzero(np.diff(np.signbit(wave[hit : hit + 3200])))
        assert np.mean(np.diff(crossings[:3])) < np.mean(np.diff(crossings[-4:]))


@pytest.mark.parametrize(
    ("name", "low_hz", "high_hz", "least"),
    [
        ("Hi-hat", 2500, 8000, 0.8),
        ("Cricket", 2500, 8000, 0.95),
        ("Bird_chirp", 1000, 8000, 0.95),
        ("Glass_shatter", 1000, 8000, 0.6),
        ("Wind", 0, 2500, 0.8),
        ("Engine", 0, 2500, 0.8),
        ("Motorboat", 0, 2500, 0.8),
        ("Drum", 0, 1000, 0.5),
        ("Whistle", 600, 8000, 0.95),
        ("Speech", 100, 4000, 0.7),
    ],
)
def test_energy_lies_where_the_class_is_heard(name: str, low_hz: float, high_hz: float, least: float) -> None:
    parts = [part_of_energy(rendition(name, instance), low_hz, high_hz) for instance in range(5)]
    assert np.median(parts) > least


def test_a_clock_is_steadier_than_a_typist() -> None:
    def spread(jitter: float) -> float:
        gaps = np.diff(beats(60 * RATE_HZ, RATE_HZ, 0.3, jitter, chance(4)))
        return float(np.std(gaps) / np.mean(gaps))

    assert spread(0.003) < 0.01 < 0.3 < spread(0.6)


@pytest.mark.parametrize("n_samples", [100, 1600, 48_000])
def test_beats_begin_early_and_end_inside(n_samples: int) -> None:
    for seed in range(20):
        moments = beats(n_samples, RATE_HZ, 1.0, 0.3, chance(seed))
        assert 0 <= moments[0] <= 0.3 * n_samples / RATE_HZ
        assert moments[-1] < n_samples / RATE_HZ


def test_harmonics_are_the_sines_they_stand_for() -> None:
    levels, pitch_hz = [1.0, 0.0, 0.5, 0.25], 300.0
    angle = phase(pitch_hz, 4000, RATE_HZ)
    expected = sum(level * np.sin((k + 1) * angle) for k, level in enumerate(levels))
    np.testing.assert_allclose(harmonics(pitch_hz, levels, 4000, RATE_HZ), expected, atol=1e-9)


def test_harmonics_above_the_rate_are_left_out() -> None:
    wave = harmonics(3000.0, [1.0, 1.0, 1.0, 1.0], RATE_HZ, RATE_HZ)
    np.testing.assert_allclose(wave, harmonics(3000.0, [1.0, 1.0], RATE_HZ, RATE_HZ))
    rising_hz = np.linspace(5000.0, 10_000.0, RATE_HZ)
    wave = harmonics(rising_hz, [1.0], RATE_HZ, RATE_HZ)
    assert np.std(wave[:7000]) > 0.5
    assert not wave[rising_hz > 0.47 * RATE_HZ].any()


def test_pulses_come_once_a_period() -> None:
    train = pulses(50.5, 2 * RATE_HZ, RATE_HZ)
    assert train.sum() == pytest.approx(101, abs=1)
    assert set(np.unique(train)) == {0.0, 1.0}


def test_a_resonance_peaks_where_it_should_with_a_gain_of_about_one() -> None:
    impulse = np.zeros(RATE_HZ)
    impulse[0] = 1.0
    answer = np.abs(np.fft.rfft(resonance(impulse, 1200.0, 80.0, RATE_HZ)))
    assert np.argmax(answer) == pytest.approx(1200, abs=5)
    assert answer.max() == pytest.approx(1.0, rel=0.1)


def test_a_swell_starts_at_nothing_and_is_whole_between() -> None:
    envelope = swell(1600, RATE_HZ, 0.01, 0.02)
    assert envelope[0] == envelope[-1] == 0
    assert (envelope[200:1200] == 1).all()
    assert swell(10, RATE_HZ, 1.0, 1.0).max() < 1


def test_wandering_has_the_spread_it_promises() -> None:
    assert np.std(wander(100 * RATE_HZ, RATE_HZ, 5.0, chance(5))) == pytest.approx(1.0, rel=0.15)


def test_placing_cuts_what_passes_the_end() -> None:
    wave = np.zeros(10)
    place(wave, np.ones(5), 7 / RATE_HZ, RATE_HZ, 2.0)
    place(wave, np.ones(5), 20 / RATE_HZ, RATE_HZ)
    assert wave.tolist() == [0] * 7 + [2] * 3
