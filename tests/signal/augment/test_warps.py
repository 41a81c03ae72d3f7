"""Pictures scaled, warped, cropped and flipped: parity with loops over single clips, and the laws of what is drawn."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats
import torch
from torch.nn import functional

from earmark.core.batch import Batch, signal_mask, waves
from earmark.core.errors import SettingsError
from earmark.core.settings import read
from earmark.signal.augment.spectrogram.frequency_warp import FrequencyWarp, FrequencyWarpDraw
from earmark.signal.augment.spectrogram.horizontal_flip import HorizontalFlip, HorizontalFlipDraw
from earmark.signal.augment.spectrogram.random_resized_crop import RandomResizedCrop, RandomResizedCropDraw
from earmark.signal.augment.spectrogram.time_scale import TimeScale, TimeScaleDraw
from earmark.signal.augment.spectrogram.time_warp import TimeWarp, TimeWarpDraw
from earmark.signal.augment.spectrogram.vertical_flip import VerticalFlip, VerticalFlipDraw
from earmark.signal.step import Spec

LENGTHS = (40, 23, 1, 40, 7)
YES = torch.ones(len(LENGTHS), dtype=torch.bool)
RATE_HZ = 10.0


def chance(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def batch_of(values: torch.Tensor, lengths: tuple[int, ...]) -> Batch:
    found = torch.tensor(lengths)
    values = values * signal_mask(found, values.shape[3])[:, None, None]
    ids = tuple(map(str, range(len(lengths))))
    return waves(values, found, RATE_HZ, ids, 1).changed(domain="features", padded=len(set(lengths)) > 1)


def pictures(lengths: tuple[int, ...] = LENGTHS, bands: int = 12, channels: int = 2) -> Batch:
    shape = (len(lengths), channels, bands, max(lengths))
    return batch_of(torch.randn(shape, generator=chance(5)), lengths)


def many(n: int) -> Batch:
    return batch_of(torch.ones(n, 1, 12, 4), (4,) * n)


def interpolated(rows: np.ndarray, places: np.ndarray) -> np.ndarray:
    """The last axis read at some places, row by row."""
    known = np.arange(rows.shape[-1])
    return np.stack([np.interp(places, known, row) for row in rows.reshape(-1, rows.shape[-1])]).reshape(
        *rows.shape[:-1], len(places)
    )


def signal(batch: Batch, i: int) -> np.ndarray:
    return batch.values[i, ..., : int(batch.lengths[i])].numpy()


def test_time_scale_is_linear_interpolation_of_each_clip_to_its_new_length():
    batch, factor = pictures(), torch.tensor([0.8, 1.25, 1.2, 1.25, 0.81])
    out = TimeScale().apply(batch, TimeScaleDraw(YES, factor))
    assert out.lengths.tolist() == [32, 29, 1, 40, 6] and out.padded
    for i in range(len(LENGTHS)):
        size = max(1, round(LENGTHS[i] * float(factor[i])))
        peer = functional.interpolate(torch.from_numpy(signal(batch, i)), size=size, mode="linear")[..., :40]
        np.testing.assert_allclose(signal(out, i), peer.numpy(), atol=1e-5)


def test_a_click_in_a_scaled_clip_comes_at_its_time_times_the_factor():
    values = torch.zeros(2, 1, 3, 100)
    values[..., 60] = 1.0
    out = TimeScale().apply(batch_of(values, (100, 100)), TimeScaleDraw(YES[:2], torch.tensor([0.8, 1.25])))
    assert out.values[:, 0, 0].argmax(dim=1).tolist() == [48, 75]


@pytest.mark.parametrize(
    ("law", "expected"),
    [("log", scipy.stats.loguniform(0.8, 1.25)), ("linear", scipy.stats.uniform(0.8, 0.45))],
)
def test_factors_follow_their_law(law, expected):
    drawn = TimeScale(p=0.3, law=law).draw(many(4000), chance())
    assert float(drawn.hit.float().mean()) == pytest.approx(0.3, abs=0.03)
    assert scipy.stats.kstest(drawn.factor.numpy(), expected.cdf).statistic < 0.03


def test_time_warp_bends_time_at_one_point():
    batch = pictures()
    step, draw = (
        TimeWarp(furthest_s=0.8),
        TimeWarpDraw(YES, torch.rand(5, generator=chance()), torch.linspace(-1, 1, 5)),
    )
    out = step.apply(batch, draw)
    assert out.lengths.tolist() == list(LENGTHS)
    for i, n in enumerate(LENGTHS):
        furthest = min(8, n / 4)
        source = furthest + float(draw.place[i]) * (n - 2 * furthest)
        goal = source + float(draw.move[i]) * furthest
        places = np.interp(np.arange(n) + 0.5, [0, goal, n], [0, source, n]) - 0.5
        np.testing.assert_allclose(signal(out, i), interpolated(signal(batch, i), places), atol=1e-4)


def test_time_warp_moves_nothing_further_than_it_says_and_stays_within_the_clip():
    lengths = (100, 100, 12, 100) * 50
    ramp = batch_of(torch.arange(100.0).expand(200, 1, 2, 100), lengths)
    step = TimeWarp(p=1, furthest_s=1.0, furthest_share=0.25)
    moved = step.apply(ramp, step.draw(ramp, chance())).values[:, 0, 0] - ramp.values[:, 0, 0]
    furthest = moved.abs().amax(dim=1)
    long = ramp.lengths == 100
    assert 9 < float(furthest[long].max()) <= 10.001 and 2 < float(furthest[~long].max()) <= 3.001
    assert (moved.amax(dim=1) > 1).any() and (moved.amin(dim=1) < -1).any()


def test_time_warp_at_its_extremes_stays_finite():
    draw = TimeWarpDraw(YES, torch.tensor([0.0, 1.0, 0.0, 1.0, 0.0]), torch.tensor([-1.0, 1.0, -1.0, 1.0, -1.0]))
    out = TimeWarp(furthest_s=9.0, furthest_share=0.49).apply(pictures(), draw)
    assert bool(out.values.isfinite().all()) and not out.values[4, ..., 7:].any()


def test_frequency_warp_stretches_the_bands_below_the_cutoff():
    batch = pictures(bands=16)
    factor, cutoff = torch.tensor([1.2, 0.8, 1.1, 0.9, 1.3]), torch.tensor([0.5, 0.3, 0.01, 3.0, 3.0])
    out = FrequencyWarp().apply(batch, FrequencyWarpDraw(YES, factor, cutoff))
    for i in range(len(LENGTHS)):
        f, source = float(factor[i]), float(cutoff[i]) * 16 * 2 / (float(factor[i]) + 1)
        bands = np.arange(16)
        places = np.interp(bands, [0, source * f, 16], [0, source, 16]) if source * f < 16 else bands / f
        expected = interpolated(signal(batch, i).swapaxes(1, 2), places).swapaxes(1, 2)
        np.testing.assert_allclose(signal(out, i), expected, atol=1e-4)


def test_a_tone_below_the_cutoff_comes_to_its_band_times_the_factor():
    values = torch.zeros(2, 1, 100, 5)
    values[:, :, 50] = 1.0
    draw = FrequencyWarpDraw(YES[:2], torch.tensor([1.1, 1 / 1.25]), torch.tensor([0.9, 5.0]))
    out = FrequencyWarp().apply(batch_of(values, (5, 5)), draw)
    assert out.values[:, 0, :, 0].argmax(dim=1).tolist() == [55, 40]


def test_frequency_warps_are_exponential_in_factor_and_cutoff():
    drawn = FrequencyWarp().draw(many(6000), chance())
    change = torch.maximum(drawn.factor, 1 / drawn.factor) - 1
    assert scipy.stats.kstest(change.numpy(), scipy.stats.expon(0, 0.07).cdf).statistic < 0.03
    assert scipy.stats.kstest(drawn.cutoff.numpy(), scipy.stats.expon(0, 0.5).cdf).statistic < 0.03
    assert float((drawn.factor > 1).float().mean()) == pytest.approx(0.5, abs=0.03)


def test_a_window_is_stretched_bilinearly_to_the_whole_of_each_clip():
    batch = pictures(bands=16)
    sides, places = torch.rand(5, 2, generator=chance()) * 0.5 + 0.5, torch.rand(5, 2, generator=chance(1))
    out = RandomResizedCrop().apply(batch, RandomResizedCropDraw(YES, sides, places))
    assert torch.equal(out.lengths, batch.lengths)
    for i, n in enumerate(LENGTHS):
        height, width = (max(1, round(float(side) * size)) for side, size in zip(sides[i], (16, n), strict=True))
        top, left = int(places[i, 0] * (16 - height + 1)), int(places[i, 1] * (n - width + 1))
        window = torch.from_numpy(signal(batch, i)[None, :, top : top + height, left : left + width])
        peer = functional.interpolate(window, size=(16, n), mode="bilinear")[0]
        np.testing.assert_allclose(signal(out, i), peer.numpy(), atol=1e-4)


def test_windows_follow_the_law_of_trying_until_one_fits():
    drawn = RandomResizedCrop(p=0.33).draw(many(4000), chance())
    assert float(drawn.hit.float().mean()) == pytest.approx(0.33, abs=0.03)
    height, width = drawn.sides.double().T
    assert float((height * width).min()) >= 0.8 and float(drawn.sides.max()) <= 1
    # One clip after another, in frames and bands of a picture of 256 by 128.
    tries, areas, aspects = np.random.default_rng(0), [], []
    while len(areas) < 4000:
        area, aspect = tries.uniform(0.8, 1.0), math.exp(tries.uniform(math.log(1.7), math.log(2.3)))
        if math.sqrt(area * 256 * 128 * aspect) <= 256 and math.sqrt(area * 256 * 128 / aspect) <= 128:
            areas.append(area)
            aspects.append(aspect / 2)
    assert scipy.stats.ks_2samp((height * width).numpy(), areas).statistic < 0.04
    assert scipy.stats.ks_2samp((width / height).numpy(), aspects).statistic < 0.04


def test_flips_turn_the_signal_round_and_leave_the_padding():
    batch, hit = pictures(), torch.tensor([True, True, True, False, True])
    across = HorizontalFlip().apply(batch, HorizontalFlipDraw(hit))
    upside = VerticalFlip().apply(batch, VerticalFlipDraw(hit))
    for i, flipped in enumerate(hit.tolist()):
        own = signal(batch, i)
        np.testing.assert_array_equal(signal(across, i), own[..., ::-1] if flipped else own)
        np.testing.assert_array_equal(signal(upside, i), own[:, ::-1] if flipped else own)
    full = pictures((9, 9))
    out = HorizontalFlip().apply(full, HorizontalFlipDraw(hit[:2]))
    assert not full.padded and torch.equal(out.values, full.values.flip(3))


@pytest.mark.parametrize("flip", [HorizontalFlip(p=1), VerticalFlip(p=1)])
def test_two_flips_are_none(flip):
    batch = pictures()
    once = flip.apply(batch, flip.draw(batch, chance()))
    assert torch.equal(flip.apply(once, flip.draw(batch, chance())).values, batch.values)


def test_gradients_go_through():
    batch = pictures()
    for step in (TimeScale(p=1), TimeWarp(p=1), FrequencyWarp(p=1), RandomResizedCrop(p=1), HorizontalFlip(p=1)):
        values = batch.values.clone().requires_grad_()
        step.apply(batch.changed(values=values), step.draw(batch, chance())).values.square().sum().backward()
        assert values.grad is not None and bool(values.grad.isfinite().all()) and bool(values.grad.any())


def test_settings_without_meaning_are_refused():
    with pytest.raises(SettingsError, match=r"low_factor must not be above high_factor, got 2 and 1\.25"):
        read(TimeScale, {"low_factor": 2})
    with pytest.raises(SettingsError, match=r"time warp of at most 0\.01 s is less than a frame of 0\.1 s"):
        TimeWarp(furthest_s=0.01).after(Spec("power", RATE_HZ, 1, 64))
    with pytest.raises(SettingsError, match="needs two bands or more, but 1 come in"):
        FrequencyWarp().after(Spec("power", RATE_HZ, 1, 1))
    with pytest.raises(SettingsError, match=r"low_area must not be above high_area, got 0\.9 and 0\.5"):
        read(RandomResizedCrop, {"low_area": 0.9, "high_area": 0.5})
    with pytest.raises(SettingsError, match="low_aspect must not be above high_aspect, got 3 and 2"):
        read(RandomResizedCrop, {"low_aspect": 3, "high_aspect": 2})
    with pytest.raises(SettingsError, match=r"no window of 0\.8 of the area and an aspect from 1\.7 to 2\.3 fits"):
        read(RandomResizedCrop, {"low_aspect": 1.7, "high_aspect": 2.3})
    for step in (TimeScale(), TimeWarp(), FrequencyWarp(), RandomResizedCrop(), HorizontalFlip(), VerticalFlip()):
        with pytest.raises(SettingsError, match="put it after the front end"):
            step.after(Spec("wave", 8000.0))
