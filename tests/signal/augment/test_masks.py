"""Masks and gain: what is hidden, where, by how much."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
import torch

from earmark.core.batch import Batch, waves
from earmark.core.errors import SettingsError
from earmark.core.settings import read
from earmark.signal.augment.gain import Gain, GainDraw
from earmark.signal.augment.spectrogram.frequency_mask import FrequencyMask, FrequencyMaskDraw
from earmark.signal.augment.spectrogram.time_mask import TimeMask, TimeMaskDraw
from earmark.signal.step import Spec


def pictures(n: int = 400, bands: int = 10, lengths: tuple[int, ...] = (20, 8)) -> Batch:
    found = torch.tensor([lengths[i % len(lengths)] for i in range(n)])
    values = torch.ones(n, 1, bands, max(lengths))
    values[..., :] *= (torch.arange(max(lengths)) < found[:, None])[:, None, None, :]
    return waves(values, found, 10.0, tuple(map(str, range(n))), 1).changed(domain="power")


def hidden_bands(batch: Batch, step: FrequencyMask, seed: int = 0) -> torch.Tensor:
    out = step.apply(batch, step.draw(batch, torch.Generator().manual_seed(seed)))
    return out.values[:, 0, :, 0] == 0


def test_frequency_masks_inside_have_every_width_and_every_place():
    hidden = hidden_bands(pictures(), FrequencyMask(p=1, narrowest_bands=2, widest_bands=4))
    assert set(hidden.sum(1).tolist()) == {2, 3, 4}
    assert bool((hidden.float().diff(dim=1).abs().sum(1) <= 2).all())
    assert hidden[:, 0].any() and hidden[:, -1].any()
    assert hidden_bands(pictures(), FrequencyMask(p=1, widest_bands=10, narrowest_bands=10)).all()


def test_centred_frequency_masks_lose_what_reaches_over_the_edge():
    step = FrequencyMask(p=1, law="centred", narrowest_bands=4, widest_bands=4)
    draw = FrequencyMaskDraw(torch.full((3, 1), 4), torch.tensor([[0.0], [0.5], [0.95]]))
    hidden = step.apply(pictures(3), draw).values[:, 0, :, 0] == 0
    assert [row.nonzero()[:, 0].tolist() for row in hidden] == [[0, 1], [3, 4, 5, 6], [7, 8, 9]]


def test_half_widths_mask_as_many_bands_on_either_side_as_the_published_program():
    step = FrequencyMask(p=1, law="half_width", narrowest_bands=8, widest_bands=31)
    draw = step.draw(pictures(4000, 128, (1,)), torch.Generator().manual_seed(0))
    assert set(draw.widths.flatten().tolist()) == set(range(16, 63, 2))
    hidden = step.apply(pictures(4000, 128, (1,)), draw).values[:, 0, :, 0] == 0
    # Clip by clip: the centre anywhere, a half-width from 8 to 31, and [centre - half, centre + half).
    numbers, theirs = np.random.RandomState(0), np.zeros((4000, 128), dtype=bool)
    for row in theirs:
        centre, half = numbers.randint(0, 128), numbers.randint(8, 32)
        row[max(0, centre - half) : min(128, centre + half)] = True
    assert hidden.float().mean(0).numpy() == pytest.approx(theirs.mean(0), abs=0.04)
    assert scipy.stats.ks_2samp(hidden.sum(1).numpy(), theirs.sum(1)).statistic < 0.04
    exact = FrequencyMaskDraw(torch.tensor([[16]] * 3), torch.tensor([[0.0], [0.5], [0.999]]))
    rows = step.apply(pictures(3, 128, (1,)), exact).values[:, 0, :, 0] == 0
    assert [(row.nonzero().min().item(), row.nonzero().max().item()) for row in rows] == [(0, 7), (56, 71), (119, 127)]


def test_p_says_how_many_clips_are_masked_whatever_the_number_of_masks():
    hidden = hidden_bands(pictures(2000), FrequencyMask(p=0.3, n_masks=3, narrowest_bands=1, widest_bands=1))
    assert float(hidden.any(1).float().mean()) == pytest.approx(0.3, abs=0.04)
    assert set(hidden.sum(1).tolist()) == {0, 1, 2, 3}


def test_the_mean_of_the_clip_is_put_where_it_says_so():
    batch = pictures(2, lengths=(20, 8))
    batch = batch.changed(values=batch.values * torch.arange(1.0, 11.0).view(1, 1, 10, 1))
    step = FrequencyMask(p=1, narrowest_bands=3, widest_bands=3, fill="mean")
    out = step.apply(batch, FrequencyMaskDraw(torch.full((2, 1), 3), torch.zeros(2, 1))).values
    assert out[0, 0, :3].unique().tolist() == [5.5]
    assert out[1, 0, :3, :8].unique().tolist() == [5.5]
    assert not out[1, ..., 8:].any()


def test_the_minimum_of_the_clip_is_put_where_it_says_so():
    batch = pictures(2, lengths=(20, 8))
    level = torch.arange(3.0, 13.0).view(1, 1, 10, 1) * torch.tensor([1.0, -1.0]).view(2, 1, 1, 1)
    batch = batch.changed(values=batch.values * level, domain="features")
    step = FrequencyMask(p=1, narrowest_bands=3, widest_bands=3, fill="minimum")
    out = step.apply(batch, FrequencyMaskDraw(torch.full((2, 1), 3), torch.full((2, 1), 0.5))).values
    assert out[0, 0, 4:7].unique().tolist() == [3.0]
    assert out[1, 0, 4:7, :8].unique().tolist() == [-12.0]
    assert not out[1, ..., 8:].any() and torch.equal(out[:, :, :4], batch.values[:, :, :4])


def test_time_masks_lie_inside_the_clip_and_take_no_more_than_their_share():
    batch = pictures()
    step = TimeMask(p=1, narrowest_s=0.1, widest_s=0.6, widest_share=0.5)
    out = step.apply(batch, step.draw(batch, torch.Generator().manual_seed(0)))
    hidden = (out.values[:, 0, 0] == 0) & (batch.values[:, 0, 0] == 1)
    widths = hidden.sum(1)
    assert set(widths[batch.lengths == 20].tolist()) == {1, 2, 3, 4, 5, 6}
    assert set(widths[batch.lengths == 8].tolist()) == {1, 2, 3, 4}
    assert hidden[batch.lengths == 20, 19].any() and hidden[batch.lengths == 8, 7].any() and hidden[:, 0].any()


def test_time_mask_is_read_from_its_draw():
    step = TimeMask(widest_s=0.5, widest_share=1.0)
    draw = TimeMaskDraw(torch.tensor([True, False]), torch.full((2, 1), 0.99), torch.full((2, 1), 0.5))
    hidden = step.apply(pictures(2, lengths=(20,)), draw).values[:, 0, 0] == 0
    assert hidden[0].nonzero()[:, 0].tolist() == [8, 9, 10, 11, 12]
    assert not hidden[1].any()


def test_gain_is_amplitude_for_waves_and_power_for_power():
    draw = GainDraw(torch.tensor([20.0, -20.0, 0.0]))
    wave = waves(torch.ones(3, 4), torch.full((3,), 4), 10.0, ("a", "b", "c"), 1)
    torch.testing.assert_close(Gain().apply(wave, draw).values[:, 0], torch.tensor([10.0, 0.1, 1.0]))
    torch.testing.assert_close(Gain().apply(pictures(3), draw).values[:, 0, 0, 0], torch.tensor([100.0, 0.01, 1.0]))


def test_settings_without_meaning_are_refused():
    with pytest.raises(SettingsError, match="narrowest_bands must not be above widest_bands, got 9 and 4"):
        read(FrequencyMask, {"narrowest_bands": 9, "widest_bands": 4})
    with pytest.raises(SettingsError, match="low_db must not be above high_db, got 3 and -3"):
        read(Gain, {"low_db": 3, "high_db": -3})
    with pytest.raises(SettingsError, match="narrowest_s must not be above widest_s"):
        read(TimeMask, {"narrowest_s": 1})
    with pytest.raises(SettingsError, match=r"narrower than a frame of 0\.1 s"):
        TimeMask(widest_s=0.05).after(Spec("power", 10.0, 1, 64))
    with pytest.raises(SettingsError, match="put it before the compression"):
        Gain().after(Spec("features", 10.0, 1, 64))
    with pytest.raises(SettingsError, match="up to 16 bands is wider than the picture of 10"):
        FrequencyMask().after(Spec("power", 10.0, 1, 10))
    with pytest.raises(SettingsError, match="up to 12 bands is wider than the picture of 10"):
        FrequencyMask(law="half_width", widest_bands=6).after(Spec("power", 10.0, 1, 10))
