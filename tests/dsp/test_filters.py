"""Filters: their responses are those of the books, and the waves get exactly these."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.signal
import torch

from earmark.dsp.filters import SHAPES, Band, Biquads, band_response, biquad_response, filtered, grid_hz, n_taps

RATE_HZ = 16000.0
HZ = grid_hz(RATE_HZ)


def band(low: float, high: float, slope_db: float, stops: bool = False) -> Band:
    return Band(*(torch.tensor([value]) for value in (low, high, slope_db, stops)))


def db(amplitude: torch.Tensor) -> torch.Tensor:
    return 20 * amplitude.log10()


@pytest.mark.parametrize("order", [1, 2, 4])
def test_responses_are_those_of_butterworth_filters(order):
    slope_db = order * 20 * np.log10(2)
    for kind, found in (
        ("lowpass", band_response(HZ, band(0.0, 1500.0, slope_db))),
        ("highpass", band_response(HZ, band(1500.0, torch.inf, slope_db))),
    ):
        wanted = abs(scipy.signal.freqs(*scipy.signal.butter(order, 1500.0, kind, analog=True), worN=HZ.numpy())[1])
        np.testing.assert_allclose(found[0].numpy(), wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("slope_db", [3.0, 12.0, 17.0, 48.0])
def test_edges_are_3_db_down_and_slopes_are_what_was_asked_for(slope_db):
    # The edge, and an octave that begins 30 dB down.
    octaves = torch.tensor([0.0, 30 / slope_db, 30 / slope_db + 1])
    below = db(band_response(2000.0 * 2.0**octaves, band(0.0, 2000.0, slope_db)))[0]
    above = db(band_response(500.0 / 2.0**octaves, band(500.0, torch.inf, slope_db)))[0]
    assert below.tolist() == pytest.approx([-3.01, -30.0, -30.0 - slope_db], abs=0.01)
    assert above.tolist() == pytest.approx([-3.01, -30.0, -30.0 - slope_db], abs=0.01)


def test_what_a_stop_leaves_is_what_the_pass_takes():
    passed, stopped = (band_response(HZ, band(500.0, 2000.0, 24.0, stops)) for stops in (False, True))
    torch.testing.assert_close(passed.square() + stopped.square(), torch.ones_like(passed))
    assert float(stopped[0, 0]) == 1 and float(passed[0, 0]) < 1e-3


def cookbook(shape: str, hz: float, gain_db: float, quality: float) -> tuple[list[float], list[float]]:
    a, w = 10 ** (gain_db / 40), 2 * np.pi * hz / RATE_HZ
    alpha, c, root = np.sin(w) / (2 * quality), np.cos(w), 2 * np.sqrt(a) * np.sin(w) / (2 * quality)
    if shape == "peak":
        return [1 + alpha * a, -2 * c, 1 - alpha * a], [1 + alpha / a, -2 * c, 1 - alpha / a]
    if shape == "low_shelf":
        return (
            [a * ((a + 1) - (a - 1) * c + root), 2 * a * ((a - 1) - (a + 1) * c), a * ((a + 1) - (a - 1) * c - root)],
            [(a + 1) + (a - 1) * c + root, -2 * ((a - 1) + (a + 1) * c), (a + 1) + (a - 1) * c - root],
        )
    return (
        [a * ((a + 1) + (a - 1) * c + root), -2 * a * ((a - 1) + (a + 1) * c), a * ((a + 1) + (a - 1) * c - root)],
        [(a + 1) - (a - 1) * c + root, 2 * ((a - 1) - (a + 1) * c), (a + 1) - (a - 1) * c - root],
    )


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("hz", "gain_db", "quality"), [(20, 12, 0.5), (440, -9, 2), (3000, 40, 20), (7000, -20, 0.1)])
def test_biquads_are_those_of_the_cookbook(shape, hz, gain_db, quality):
    asked = Biquads(*(torch.tensor([[v]]) for v in (SHAPES.index(shape), float(hz), float(gain_db), float(quality))))
    wanted = abs(scipy.signal.freqz(*cookbook(shape, hz, gain_db, quality), worN=HZ.numpy(), fs=RATE_HZ)[1])
    # At the top of a peak of 40 dB, all but nothing is divided by all but nothing: 0.06 dB.
    np.testing.assert_allclose(biquad_response(HZ, asked, RATE_HZ)[0, 0].numpy(), wanted, rtol=7e-3, atol=1e-4)


def test_peaks_and_shelves_give_their_gain_where_they_should():
    shapes = torch.tensor([SHAPES.index(shape) for shape in ("peak", "low_shelf", "high_shelf")])
    asked = Biquads(shapes, torch.full((3,), 1000.0), torch.full((3,), 6.0), torch.full((3,), 0.7))
    found = db(biquad_response(torch.tensor([1.0, 1000.0, 8000.0]), asked, RATE_HZ))
    torch.testing.assert_close(found, torch.tensor([[0.0, 6, 0], [6, 3, 0], [0, 3, 6]]), rtol=0, atol=0.02)


def waves(n: int = 20000) -> torch.Tensor:
    return torch.randn(3, n, generator=torch.Generator().manual_seed(0))


RESPONSE = torch.cat([
    band_response(HZ, band(300.0, 2000.0, 24.0)),
    band_response(HZ, band(0.0, 4000.0, 6.0)),
    band_response(HZ, band(1000.0, torch.inf, 12.0)),
])  # fmt: skip


def test_filtering_is_convolution_with_a_symmetric_response():
    clicks, middle = torch.zeros(3, 4001), 2000
    clicks[:, middle] = 1.0
    taps = filtered(clicks, torch.full((3,), 4001), RESPONSE)
    torch.testing.assert_close(taps, taps.flip(1), rtol=0, atol=1e-6)
    assert not taps[:, : middle - n_taps(RATE_HZ) // 2].abs().max() > 1e-7
    given = waves(3000)
    out = filtered(given, torch.full((3,), 3000), RESPONSE)
    for clip, kernel, found in zip(given.numpy(), taps.numpy(), out.numpy(), strict=True):
        wanted = np.convolve(clip.astype(np.float64), kernel.astype(np.float64))[middle : middle + 3000]
        np.testing.assert_allclose(found, wanted, atol=1e-5)


@pytest.mark.parametrize("n", [1, 2, 50, 1023, 7919])
def test_nothing_comes_round_and_a_clip_is_the_same_in_any_batch(n):
    long = waves()
    lengths = torch.tensor([20000, n, 20000])
    long[1, n:] = 0.0
    out = filtered(long, lengths, RESPONSE)
    alone = filtered(long[1:2, :n], lengths[1:2], RESPONSE[1:2])
    torch.testing.assert_close(out[1:2, :n], alone, rtol=1e-5, atol=1e-6)
    assert not out[1, n:].any()
    # A click at the end is not heard at the beginning.
    click = torch.zeros(3, 20000)
    click[:, -1] = 1.0
    assert float(filtered(click, torch.full((3,), 20000), RESPONSE)[:, :10000].abs().max()) < 1e-7


def test_tones_come_out_as_loud_as_the_response_says():
    moments = torch.arange(16000) / RATE_HZ
    for hz in (60.0, 200.0, 300.0, 1000.0, 2000.0, 5000.0):
        tone = torch.sin(2 * np.pi * hz * moments).repeat(3, 1)
        out = filtered(tone, torch.full((3,), 16000), RESPONSE)[:, 4000:12000]
        wanted = torch.cat([
            band_response(torch.tensor([hz]), each)
            for each in (band(300.0, 2000.0, 24.0), band(0.0, 4000.0, 6.0), band(1000.0, torch.inf, 12.0))
        ])[:, 0]  # fmt: skip
        found = out.square().mean(dim=1).mul(2).sqrt()
        torch.testing.assert_close(found, wanted, rtol=0.03, atol=1e-3)
        # And none is delayed.
        assert bool(((out * tone[:, 4000:12000]).sum(dim=1) > 0.99 * (found * found.new_tensor(4000.0)) - 1e-2).all())


def test_the_grid_is_fine_enough_at_any_rate():
    for rate_hz in (10.0, 8000.0, 22050.0, 44100.0, 192000.0):
        grid = grid_hz(rate_hz)
        assert float(grid[-1]) == pytest.approx(rate_hz / 2) and float(grid[1]) <= 10.0
