"""Rooms: the decay that was asked for, SoX's numbers, and convolution against scipy."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.signal
import torch

from earmark.dsp.reverb import convolved, decaying, sox_rt60_s, sox_wet_db

RATE_HZ = 44100
SEEDS = torch.tensor([[1, 2], [3, 4], [5, 6]], dtype=torch.int32)


def schroeder_rt60_s(response: np.ndarray) -> float:
    """Reverberation time by backward integration (M. R. Schroeder, 1965), from -5 to -35 dB below the whole."""
    energy = np.square(response.astype(np.float64))[::-1].cumsum()[::-1]
    level = 10 * np.log10(energy / energy[0] + 1e-30)
    inside = (level < -5) & (level > -35)
    return -60 / np.polyfit(np.flatnonzero(inside) / RATE_HZ, level[inside], 1)[0]


def freeverb(reverberance: float, room_scale: float, n: int) -> np.ndarray:
    """The tail of SoX's response to an impulse at its usual damping of 50 %: eight damped combs, four all-passes."""
    feedback = 1 - 0.7 * (0.02 / 0.7) ** (reverberance / 100)
    scale, impulse, made = 0.1 + 0.9 * room_scale / 100, np.zeros(n), np.zeros(n)
    impulse[0] = 0.015
    for comb in (1116, 1188, 1277, 1356, 1422, 1491, 1557, 1617):
        delay, state = round(scale * comb), np.zeros(1)
        written, out = np.zeros(n), np.zeros(n)
        for start in range(0, n, delay):
            now = slice(start, min(start + delay, n))
            if start:
                out[now] = written[start - delay : now.stop - delay]
            damped, state = scipy.signal.lfilter([0.65], [1, -0.35], out[now], zi=state)
            written[now] = impulse[now] + feedback * damped
        made += out
    for allpass in (225, 341, 441, 556):
        delay = round(scale * allpass)
        numerator, denominator = np.zeros((2, delay + 1))
        numerator[[0, -1]], denominator[[0, -1]] = (-1, 1), (1, -0.5)
        # One write in, half of what comes out fed back: (-1 + 1.5 z^-d) / (1 - 0.5 z^-d).
        numerator[-1] = 1.5
        made = scipy.signal.lfilter(numerator, denominator, made)
    return made


@pytest.mark.parametrize("rt60_s", [0.05, 0.3, 1.5])
def test_the_time_is_the_one_asked_for(rt60_s):
    made = decaying(SEEDS, torch.full((3,), rt60_s * RATE_HZ), torch.full((3,), -6.0), round(2 * RATE_HZ))
    for response in made.numpy():
        assert schroeder_rt60_s(response) == pytest.approx(rt60_s, rel=0.1)
        assert not response[round(rt60_s * RATE_HZ) + 1 :].any()
        assert 10 * np.log10(np.square(response[1:]).sum()) == pytest.approx(-6, abs=1)


@pytest.mark.parametrize("reverberance", [0.0, 25.0, 50.0])
@pytest.mark.parametrize("room_scale", [20.0, 50.0])
def test_time_and_level_are_those_of_sox(reverberance, room_scale):
    theirs = freeverb(reverberance, room_scale, 50000)
    percent = torch.tensor([reverberance])
    assert float(sox_rt60_s(percent, torch.tensor([room_scale]))) == pytest.approx(schroeder_rt60_s(theirs), rel=0.2)
    assert float(sox_wet_db(percent)) == pytest.approx(10 * np.log10(np.square(theirs).sum()), abs=0.4)


def test_a_response_is_the_same_for_any_length_and_in_any_batch():
    times, levels = torch.tensor([900.0, 2000.0, 50.0]), torch.zeros(3)
    made = decaying(SEEDS, times, levels, 4000)
    assert torch.equal(decaying(SEEDS[1:], times[1:], levels[1:], 1000), made[1:, :1000])
    assert made[:, 0].tolist() == [1, 1, 1]


def test_convolution_is_that_of_scipy_and_as_loud_as_before():
    chance = np.random.default_rng(0)
    wave, response = chance.standard_normal(3000).astype(np.float32), chance.standard_normal(500).astype(np.float32)
    made = convolved(torch.from_numpy(wave)[None], torch.tensor([3000]), lambda _: torch.from_numpy(response)[None])[
        0
    ].numpy()
    theirs = scipy.signal.fftconvolve(wave, response)[:3000]
    np.testing.assert_allclose(made, theirs * np.linalg.norm(wave) / np.linalg.norm(theirs), atol=1e-4)


def test_tails_end_with_their_clip_and_silence_stays_silence():
    waves = torch.zeros(3, 2000)
    waves[0, 600:1000], waves[1, 0] = 0.5, 1.0
    lengths, rooms = torch.tensor([1000, 1, 2000]), decaying(SEEDS, torch.full((3,), 900.0), torch.zeros(3), 900)
    made = convolved(waves, lengths, lambda some: rooms[some])
    assert not made[0, 1000:].any() and made[0, 900:1000].all() and float(made[0, :599].abs().max()) < 1e-6
    assert made[1].tolist() == pytest.approx([1.0] + [0.0] * 1999)
    assert not made[2].any()
    alone = convolved(waves[:1, :1000], lengths[:1], lambda some: rooms[some])
    torch.testing.assert_close(alone[0], made[0, :1000])
