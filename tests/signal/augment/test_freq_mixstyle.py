"""Freq-MixStyle: statistics of bands over signal frames, mixed between clips."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from earmark.core.batch import Batch, signal_mask, together, waves
from earmark.core.errors import SettingsError
from earmark.signal.augment.mixing.mixing import MixingDraw
from earmark.signal.augment.spectrogram.freq_mixstyle import FreqMixstyle, FreqMixstyleNumbers
from earmark.signal.step import Spec

LENGTHS = (50, 21, 1, 50)


def pictures(seed: int = 0, lengths: tuple[int, ...] = LENGTHS) -> Batch:
    """Levels in dB, so means are far from zero."""
    chance, found = torch.Generator().manual_seed(seed), torch.tensor(lengths)
    shape = (len(lengths), 2, 6)
    offset, scale = torch.rand(2, *shape, 1, generator=chance)
    values = -80 * offset + 20 * (0.1 + scale) * torch.randn(*shape, max(lengths), generator=chance)
    values = values * signal_mask(found, max(lengths))[:, None, None]
    return waves(values, found, 10.0, tuple(f"{seed} {i}" for i in range(len(lengths))), 3).changed(domain="features")


def draw_of(hit: list[bool], partner: list[int], share: list[float]) -> MixingDraw:
    return MixingDraw(torch.tensor(hit), torch.tensor(partner), FreqMixstyleNumbers(torch.tensor(share)))


def signal(batch: Batch, i: int) -> np.ndarray:
    return batch.values[i, ..., : int(batch.lengths[i])].double().numpy()


def test_it_is_what_a_loop_over_clips_channels_and_bands_gives():
    batch, share = pictures(), [0.3, 0.8, 0.5, 1.0]
    partner = [1, 0, 3, 2]
    out = FreqMixstyle().apply(batch, draw_of([True] * 4, partner, share))
    for i in range(4):
        own, other = signal(batch, i), signal(batch, partner[i])
        for channel in range(2):
            for band in range(6):
                x, y = own[channel, band], other[channel, band]
                std, other_std = (np.sqrt(row.var() + 1e-6) for row in (x, y))
                mean = share[i] * x.mean() + (1 - share[i]) * y.mean()
                expected = (x - x.mean()) / std * (share[i] * std + (1 - share[i]) * other_std) + mean
                np.testing.assert_allclose(signal(out, i)[channel, band], expected, rtol=1e-4, atol=1e-3)
        assert not out.values[i, ..., LENGTHS[i] :].any()


def test_with_share_0_a_clip_has_the_style_of_its_partner():
    batch = pictures()
    out = FreqMixstyle().apply(batch, draw_of([True, False, False, False], [3, 0, 0, 0], [0.0] * 4))
    np.testing.assert_allclose(signal(out, 0).mean(-1), signal(batch, 3).mean(-1), atol=1e-3)
    np.testing.assert_allclose(signal(out, 0).std(-1), signal(batch, 3).std(-1), rtol=1e-4)
    assert torch.equal(out.values[1:], batch.values[1:])


def test_labels_lengths_and_weights_stay():
    batch = pictures()
    step = FreqMixstyle(p=1)
    out = step.apply(batch, step.draw(batch, torch.Generator().manual_seed(0)))
    for part in ("lengths", "targets", "known", "weights", "origins"):
        assert torch.equal(getattr(out, part), getattr(batch, part))
    assert out.ids == batch.ids and not torch.equal(out.values, batch.values)


def test_guests_are_left_alone():
    batch = together([pictures(), pictures(1)]).changed(guests=(("noisy", 4),))
    for seed in range(5):
        step = FreqMixstyle(p=1)
        draw = step.draw(batch, torch.Generator().manual_seed(seed))
        assert int(draw.partner[:4].max()) < 4
        assert torch.equal(step.apply(batch, draw).values[4:], batch.values[4:])


def test_power_is_refused():
    with pytest.raises(SettingsError, match="takes features, but power comes in; put it after the compression"):
        FreqMixstyle().after(Spec("power", 10.0, 1, 64))
