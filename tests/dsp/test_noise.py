"""Noise: its colour, its power, its level beside a signal."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.signal
import torch

from earmark.dsp.noise import COLOURS, coloured, with_noise

RATE_HZ = 32000.0


def seeds(n: int) -> torch.Tensor:
    drawn = torch.randint(-(1 << 31), 1 << 31, (n, 2), generator=torch.Generator().manual_seed(0))
    return drawn.to(torch.int32)


@pytest.mark.parametrize("a", [*COLOURS.values(), 0.5, -1.3])
def test_power_falls_with_frequency_by_the_exponent(a):
    noise = coloured(seeds(8), torch.full((8,), a), 200_000, RATE_HZ).numpy()
    hz, power = scipy.signal.welch(noise, RATE_HZ, nperseg=16384)
    power = power.mean(axis=0)
    middle = (hz > 60) & (hz < 15000)
    octaves, counted = np.log2(hz[middle]), 1 / hz[middle]
    slope = np.polyfit(octaves, 10 * np.log10(power[middle]), 1, w=counted**0.5)[0]
    assert slope == pytest.approx(-3.0103 * a, abs=0.12)
    # No octave is off the line by more than chance.
    line = hz[middle] ** -a
    parts = [(octaves >= low) & (octaves < low + 1) for low in range(6, 13)]
    ratios = np.array([power[middle][part].sum() / line[part].sum() for part in parts])
    assert abs(10 * np.log10(ratios / np.median(ratios))).max() < 0.5


def test_colours_have_power_one_from_start_to_end_and_nothing_below_20_hz():
    exponents = torch.tensor(list(COLOURS.values())).repeat_interleave(24)
    noise = coloured(seeds(len(exponents)), exponents, 65536, RATE_HZ)
    power = noise.square().view(5, 24, 16, 4096).mean(dim=(1, 3))
    assert power.mean(dim=1).numpy() == pytest.approx(np.ones(5), rel=0.1)
    # Blocks fade into one another without a dip; low notes of brown noise need more than this to even out.
    assert power[[0, 1, 3, 4]].numpy() == pytest.approx(np.ones((4, 16)), rel=0.25)
    spectrum = (torch.fft.rfft(noise * torch.hann_window(65536)).abs() ** 2).view(5, 24, -1).mean(dim=1)
    # 0.49 Hz a bin: at 12 Hz the windows of the blocks, which are 2 Hz wide, have done most of their falling.
    assert bool((spectrum[:, :24].amax(dim=1) < 1e-3 * spectrum[:, 44:200].amax(dim=1)).all())


def test_noise_does_not_depend_on_how_much_of_it_is_wanted():
    whole = coloured(seeds(3), torch.tensor([0.0, 1.0, -2.0]), 40000, RATE_HZ)
    for n in (1, 8192, 8193, 30000):
        part = coloured(seeds(3)[1:2], torch.tensor([1.0]), n, RATE_HZ)
        torch.testing.assert_close(part, whole[1:2, :n], rtol=0, atol=1e-6)


@pytest.mark.parametrize("rate_hz", [10.0, 100.0, 192000.0])
def test_any_rate_has_noise(rate_hz):
    noise = coloured(seeds(4), torch.tensor([0.0, 1.0, 2.0, -2.0]), 30000, rate_hz)
    assert bool(noise.isfinite().all())
    assert noise.square().mean(dim=1).numpy() == pytest.approx(np.ones(4), rel=0.5)


@pytest.mark.parametrize("white", [True, False])
def test_the_ratio_is_exact_over_the_signal_and_silence_stays_silent(white):
    lengths = torch.tensor([30000, 9000, 1, 30000])
    waves = torch.randn(4, 30000, generator=torch.Generator().manual_seed(0)) * torch.tensor(
        [[1.0], [1e-4], [0.3], [0]]
    )
    waves = waves * (torch.arange(30000) < lengths[:, None])
    snr_db = torch.tensor([0.0, 20.0, -6.0, 3.0])
    exponents = None if white else torch.tensor([1.0, 2.0, -1.0, 0.0])
    out = with_noise(waves, lengths, seeds(4), exponents, snr_db, RATE_HZ)
    noise = (out - waves).double().square().sum(dim=1)
    found = 10 * torch.log10(waves.double().square().sum(dim=1)[:3] / noise[:3])
    assert found.numpy() == pytest.approx(snr_db[:3].numpy(), abs=0.01)
    assert not out[3].any()
    assert not out[1, 9000:].any() and not out[2, 1:].any()
