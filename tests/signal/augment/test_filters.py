"""Filters, equaliser and codec: what should pass passes, what should stop stops."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.signal
import scipy.stats
import soundfile
import torch

from earmark.core.batch import Batch, waves
from earmark.core.errors import SettingsError
from earmark.core.settings import read
from earmark.signal.augment.wave.band_filter import BandFilter, BandFilterDraw
from earmark.signal.augment.wave.codec import Codec
from earmark.signal.augment.wave.equaliser import Equaliser
from earmark.signal.step import Augment, Spec

RATE_HZ = 32000.0


def batch_of(values: torch.Tensor) -> Batch:
    n, n_samples = values.shape
    return waves(values, torch.full((n,), n_samples), RATE_HZ, tuple(map(str, range(n))), 1)


def clicks(n: int, n_samples: int = 8192) -> Batch:
    values = torch.zeros(n, n_samples)
    values[:, n_samples // 2] = 1.0
    return batch_of(values)


def changed(step: Augment, batch: Batch, seed: int = 0) -> Batch:
    return step.apply(batch, step.draw(batch, torch.Generator().manual_seed(seed)))


def levels_db(step: Augment, n: int = 64, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """What each of n clips gets: frequencies and levels [clip, freq]."""
    spectra = torch.fft.rfft(changed(step, clicks(n), seed).values).abs().clamp(min=1e-6)
    return np.fft.rfftfreq(8192, 1 / RATE_HZ), 20 * np.log10(spectra.numpy())


def test_low_pass_and_high_pass_do_what_they_are_called():
    settings = {"p": 1, "low_hz": 500, "high_hz": 2000, "low_slope_db": 24, "high_slope_db": 24}
    hz, levels = levels_db(read(BandFilter, {**settings, "shapes": ["low_pass"]}))
    assert levels[:, hz < 250].min() > -0.1 and levels[:, hz > 4 * 2000].max() < -47
    edges = hz[(levels < -3.0103).argmax(axis=1)]
    assert scipy.stats.kstest(np.log2(edges / 500) / 2, "uniform").pvalue > 0.001
    hz, levels = levels_db(read(BandFilter, {**settings, "shapes": ["high_pass"]}))
    assert levels[:, hz > 4200].min() > -0.1 and levels[:, (hz < 125)].max() < -44
    assert (levels[:, 0] < -60).all()


def test_bands_pass_or_stop_between_their_edges():
    settings = {"p": 1, "low_hz": 1000, "high_hz": 1000, "narrowest_octaves": 2, "widest_octaves": 2}
    settings |= {"low_slope_db": 30, "high_slope_db": 30}
    hz, passed = levels_db(read(BandFilter, {**settings, "shapes": ["band_pass"]}), n=1)
    _, stopped = levels_db(read(BandFilter, {**settings, "shapes": ["band_stop"]}), n=1)
    for levels in (passed, stopped):
        assert np.interp([500, 2000], hz, levels[0]) == pytest.approx(-3.0, abs=0.1)
    assert np.interp(1000, hz, passed[0]) > -0.1 and np.interp([250, 4000], hz, passed[0]) == pytest.approx(
        -30, abs=0.5
    )
    assert np.interp(1000, hz, stopped[0]) == pytest.approx(-27, abs=0.5)
    assert np.interp([125, 8000], hz, stopped[0]).min() > -0.1


def test_shapes_are_as_likely_and_slopes_fill_their_range():
    step = BandFilter(p=1, shapes=("low_pass", "high_pass", "band_pass", "band_stop"))
    draw = step.draw(clicks(4000, 2), torch.Generator().manual_seed(0))
    low, high, slope_db, stops = draw.band
    kinds = (
        torch.stack([low == 0, high == torch.inf, (low > 0) & (high < torch.inf) & ~stops, stops]).float().mean(dim=1)
    )
    np.testing.assert_allclose(kinds.numpy(), 0.25, atol=0.03)
    assert scipy.stats.kstest((slope_db.numpy() - 6) / 18, "uniform").pvalue > 0.001
    widths = (high / low).log2()[(low > 0) & (high < torch.inf)]
    assert scipy.stats.kstest((widths.numpy() - 1) / 3, "uniform").pvalue > 0.001
    assert isinstance(draw, BandFilterDraw)


def test_the_equaliser_raises_and_lowers_within_its_bounds_and_delays_nothing():
    _, levels = levels_db(Equaliser(p=1, n_bands=3, most_db=6), n=200)
    assert abs(levels).max() <= 18.01 and levels.max() > 8 and levels.min() < -8
    assert float(np.median(levels)) == pytest.approx(0, abs=0.7)
    _, levels = levels_db(Equaliser(p=1, n_bands=1, most_db=6), n=300)
    assert abs(levels).max() == pytest.approx(6, abs=0.1)
    # Of one band, two thirds are shelves, which do something to one end only.
    ends = abs(levels[:, [1, -1]]) > 0.5
    assert not ends.all(axis=1).any() and ends.any(axis=1).mean() == pytest.approx(0.61, abs=0.09)
    out = changed(Equaliser(p=1), clicks(20)).values
    torch.testing.assert_close(out[:, 1:], out[:, 1:].flip(1), rtol=0, atol=1e-5)


@pytest.mark.parametrize("steps", ["mu_law", "linear", "none"])
def test_a_codec_leaves_nothing_above_its_band_and_most_below(steps):
    noise = 0.2 * torch.randn(12, 32000, generator=torch.Generator().manual_seed(0))
    step = Codec(p=1, low_hz=4000, high_hz=4000, steps=steps, low_bits=8, high_bits=8)
    out = changed(step, batch_of(noise.clamp(-1, 1))).values.numpy()
    hz, before = scipy.signal.welch(noise.clamp(-1, 1).numpy(), RATE_HZ, nperseg=2048)
    _, after = scipy.signal.welch(out, RATE_HZ, nperseg=2048)
    levels = 10 * np.log10(after.mean(axis=0) / before.mean(axis=0))
    assert abs(levels[(hz > 50) & (hz < 3300)]).max() < 0.2
    assert np.interp(4000, hz, levels) == pytest.approx(-3, abs=0.5)
    assert np.interp(8000, hz, levels) < -80 and levels[hz > 6000].max() < -60


def test_bits_are_heard_as_noise_within_the_band():
    # Two tones that share no period with the clip: what is left of it beside them is the noise of the rounding.
    moments = torch.arange(32000, dtype=torch.float64) / RATE_HZ
    tone = (0.5 * torch.sin(2 * np.pi * 997.3 * moments) + 0.4 * torch.sin(2 * np.pi * 313.7 * moments)).float()[None]
    found = []
    for bits in (6, 8, 10):
        step = Codec(p=1, low_hz=8000, high_hz=8000, steps="linear", low_bits=bits, high_bits=bits)
        noise = (changed(step, batch_of(tone)).values - tone)[:, 4000:-4000]
        found.append(float(10 * torch.log10(tone.square().mean() / noise.square().mean())))
    # Half of the noise is cut away with the upper half of the spectrum: 3 dB more than rounding alone leaves.
    step_db = np.array([20 * np.log10(2 / (2**bits - 2)) for bits in (6, 8, 10)])
    wanted = 10 * np.log10((0.5**2 + 0.4**2) / 2) - (step_db - 10.79) + 3
    np.testing.assert_allclose(found, wanted, atol=1.0)


@pytest.mark.parametrize("step", [BandFilter(p=1), Equaliser(p=1), Codec(p=1)])
def test_a_real_clip_is_the_same_alone_as_among_others_at_44100_hz(step, shared_data):
    paths = sorted((shared_data / "fsdmini" / "train_curated").glob("*.ogg"))[:3]
    found = [torch.from_numpy(soundfile.read(path, dtype="float32", always_2d=True)[0][:, 0]) for path in paths]
    lengths = torch.tensor([len(each) for each in found])
    batch = waves(torch.nn.utils.rnn.pad_sequence(found, batch_first=True), lengths, 44100.0, tuple("abc"), 1)
    draw = step.draw(batch, torch.Generator().manual_seed(1))
    out = step.apply(batch, draw).values
    for i, wave in enumerate(found):
        alone = waves(wave[None], lengths[i : i + 1], 44100.0, ("a",), 1)
        parts = type(draw)(*(p[i : i + 1] if torch.is_tensor(p) else type(p)(*(q[i : i + 1] for q in p)) for p in draw))
        torch.testing.assert_close(out[i, : len(wave)], step.apply(alone, parts).values[0], rtol=0, atol=1e-5)
        assert not out[i, len(wave) :].any() and out[i].any()


def test_settings_without_meaning_are_refused():
    with pytest.raises(SettingsError, match="low_hz must not be above high_hz, got 5000 and 4000"):
        read(BandFilter, {"low_hz": 5000})
    with pytest.raises(SettingsError, match="low_slope_db must not be above high_slope_db, got 30 and 24"):
        read(BandFilter, {"low_slope_db": 30})
    with pytest.raises(SettingsError, match="cut-offs must not be above half the rate of 8000 Hz, got high_hz 6000 Hz"):
        BandFilter(high_hz=6000).after(Spec("wave", 8000.0))
    with pytest.raises(SettingsError, match="filters must lie below half the rate of 4000 Hz, got high_hz 3500 Hz"):
        Equaliser().after(Spec("wave", 4000.0))
    with pytest.raises(SettingsError, match="low_quality must not be above high_quality, got 3 and 2"):
        read(Equaliser, {"low_quality": 3})
    with pytest.raises(SettingsError, match="low_bits must not be above high_bits, got 12 and 10"):
        read(Codec, {"low_bits": 12})
    with pytest.raises(SettingsError, match="takes nothing away from audio of 8000 Hz without rounding"):
        Codec(steps="none").after(Spec("wave", 8000.0))
