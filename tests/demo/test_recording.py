"""Recording conditions: lengths kept, levels and ratios as asked, two domains that differ."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from earmark.demo.recording import RECORDIST, SOUNDTRACK, background, loudness, record, room, squashed

RATE_HZ = 16_000


def tone(n_samples: int = RATE_HZ) -> np.ndarray:
    return np.sin(2 * np.pi * 700 * np.arange(n_samples) / RATE_HZ)


@pytest.mark.parametrize("domain", [RECORDIST, SOUNDTRACK])
@pytest.mark.parametrize("n_samples", [3000, 16_000])
def test_a_take_keeps_its_length_and_its_peak_where_the_domain_puts_it(domain, n_samples: int) -> None:
    for seed in range(10):
        wave = record(tone(n_samples), domain, RATE_HZ, np.random.default_rng(seed))
        assert wave.shape == (n_samples,)
        peak_db = 20 * np.log10(np.max(np.abs(wave)))
        assert domain.peak_db[0] - 0.01 <= peak_db <= domain.peak_db[1] + 0.01


def test_reverberation_lasts_as_long_as_asked_and_keeps_the_direct_sound() -> None:
    click = np.zeros(RATE_HZ)
    click[0] = 1.0
    answer = room(click, 0.5, 0.3, RATE_HZ, np.random.default_rng(0))
    assert answer[0] == 1.0
    assert np.sum(answer[1:] ** 2) == pytest.approx(0.3, rel=1e-6)
    left = np.cumsum(answer[:0:-1] ** 2)[::-1]  # Schroeder's backward integration
    fall_db = 10 * np.log10(left[800] / left[4000])
    assert fall_db == pytest.approx(60 * 0.2 / 0.5, rel=0.35)  # the highs fall faster, so a little steeper than 60 dB


def test_a_background_has_loudness_one() -> None:
    for seed in range(5):
        assert loudness(background(RATE_HZ, RATE_HZ, np.random.default_rng(seed)), RATE_HZ) == pytest.approx(
            1, rel=1e-6
        )


def test_the_ratio_of_sound_to_background_is_the_one_asked_for() -> None:
    burst = tone()
    burst[RATE_HZ // 2 :] = 0
    quiet = replace(RECORDIST, p_room=0, snr_db=(40, 40), low_hz=(20, 20), high_hz=(8000, 8000), drive=(0.01, 0.01))
    quiet = replace(quiet, squash=(0, 0))
    noisy = replace(quiet, snr_db=(10, 10))
    for seed in range(3):
        a, b = (record(burst, domain, RATE_HZ, np.random.default_rng(seed)) for domain in (quiet, noisy))
        gap = [20 * np.log10(np.std(w[: RATE_HZ // 2]) / np.std(w[RATE_HZ // 2 + 800 :])) for w in (a, b)]
        assert gap[0] - gap[1] == pytest.approx(30, abs=1.5)


def test_squashing_brings_loud_and_soft_together() -> None:
    wave = np.concatenate([tone(), 0.1 * tone()])
    ratio = [np.std(w[8000:16_000]) / np.std(w[24_000:]) for w in (wave, squashed(wave, 0.5, RATE_HZ))]
    assert ratio[0] == pytest.approx(10, rel=1e-3)
    assert ratio[1] == pytest.approx(10**0.5, rel=0.1)
    np.testing.assert_allclose(squashed(wave, 0.0, RATE_HZ), wave)


def test_loudness_is_that_of_the_loudest_moment() -> None:
    wave = np.zeros(RATE_HZ)
    wave[4000:4800] = 0.5
    assert loudness(wave, RATE_HZ) == pytest.approx(0.5)
    assert loudness(np.full(7, 0.25), RATE_HZ) == pytest.approx(0.25)


def test_the_sound_track_is_noisier_and_narrower_than_the_recording() -> None:
    assert SOUNDTRACK.snr_db[1] < RECORDIST.snr_db[1]
    assert SOUNDTRACK.high_hz[0] < RECORDIST.high_hz[0]
    assert SOUNDTRACK.squash[0] >= RECORDIST.squash[1] * 0.5
