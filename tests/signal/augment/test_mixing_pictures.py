"""Fades and blocks against loops over clips: what comes from whom, and labels by the share of it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from earmark.core.errors import SettingsError
from earmark.signal.augment.mixing.cross_fade import CrossFade, CrossFadeNumbers
from earmark.signal.augment.mixing.cut_mix import CutMix, CutMixNumbers
from earmark.signal.augment.mixing.spec_mix import SpecMix, SpecMixNumbers
from earmark.signal.step import Spec
from tests.signal.augment.mixtures import clips, drawn, long_as, same_labels, same_signal, signal

LENGTHS = (40, 17, 1, 33, 40)
PARTNERS = [1, 0, 3, 4, 0]


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


@pytest.mark.parametrize("domain", ["wave", "features"])
@pytest.mark.parametrize("labels", ["linear", "union"])
def test_a_cross_fade_is_a_loop_over_clips(domain, labels):
    batch, steepness = clips(LENGTHS, domain), [3, 5, 7, 9, 12]
    draw = drawn(PARTNERS, CrossFadeNumbers(torch.tensor(steepness)))
    out = CrossFade(labels=labels).apply(batch, draw)
    for row, (partner, r) in enumerate(zip(PARTNERS, steepness, strict=True)):
        one, two = signal(batch, row), signal(batch, partner)
        n = max(one.shape[-1], two.shape[-1])
        one = one * sigmoid(np.linspace(-r, r, one.shape[-1]))
        two = two * sigmoid(np.linspace(r, -r, two.shape[-1]))
        same_signal(out, row, long_as(one, n) + long_as(two, n))
        same_labels(out, row, batch, partner, labels)


def test_where_all_are_of_one_length_the_fade_is_the_same():
    batch = clips((20, 20, 20), "features")
    assert not batch.padded
    draw = CrossFade(p=1).draw(batch, torch.Generator().manual_seed(0))
    out, other = (CrossFade().apply(batch.changed(padded=padded), draw).values for padded in (False, True))
    torch.testing.assert_close(out, other)
    whole = CrossFade().apply(batch.changed(values=torch.ones_like(batch.values)), draw)
    torch.testing.assert_close(whole.values, torch.ones_like(batch.values))


def test_the_fade_is_as_steep_as_told():
    steepness = CrossFade(p=1).draw(clips((1,) * 500), torch.Generator().manual_seed(0)).numbers.steepness
    assert steepness.unique().tolist() == list(range(3, 13))
    with pytest.raises(ValidationError, match="flattest must not be above steepest, got 5 and 4; swap them"):
        CrossFade(flattest=5, steepest=4)


@pytest.mark.parametrize("labels", ["linear", "union"])
@pytest.mark.parametrize("seed", range(4))
def test_spec_mix_is_a_loop_over_cells(labels, seed):
    batch = clips(LENGTHS, "features")
    step = SpecMix(widest_bands=4, widest_s=0.2, labels=labels)
    numbers = step.draw(batch, torch.Generator().manual_seed(seed)).numbers
    out = step.apply(batch, drawn(PARTNERS, numbers))
    for row, partner in enumerate(PARTNERS):
        one, two = signal(batch, row), signal(batch, partner)
        common = min(one.shape[-1], two.shape[-1])
        u = [float(part[row]) for part in numbers]
        bands = int(u[0] * 5)
        low = int(u[1] * (6 - bands + 1))
        frames = int(u[2] * (min(20, common) + 1))
        start = int(u[3] * (common - frames + 1))
        wanted, n_replaced = one.copy(), 0
        for band in range(6):
            for frame in range(common):
                if low <= band < low + bands or start <= frame < start + frames:
                    wanted[:, band, frame] = two[:, band, frame]
                    n_replaced += 1
        same_signal(out, row, wanted)
        same_labels(out, row, batch, partner, labels, 1 - n_replaced / (6 * one.shape[-1]))


def test_blocks_may_be_nothing_or_everything():
    batch = clips((10, 10), "features")
    nothing, all_ = (SpecMixNumbers(*torch.full((4, 2), share)) for share in (0.0, 0.9999))
    assert torch.equal(SpecMix().apply(batch, drawn([1, 0], nothing)).values, batch.values)
    whole = SpecMix(widest_bands=6).apply(batch, drawn([1, 0], all_))
    assert torch.equal(whole.values, batch.values.flip(0)) and torch.equal(whole.known, batch.known.flip(0))


@pytest.mark.parametrize("domain", ["wave", "power"])
@pytest.mark.parametrize("labels", ["linear", "union"])
def test_cut_mix_is_a_loop_over_clips(domain, labels):
    batch, shares, places = clips(LENGTHS, domain), [0.2, 0.5, 0.7, 0.9, 0.0], [0.6, 0.3, 0.0, 0.8, 0.999]
    draw = drawn(PARTNERS, CutMixNumbers(torch.tensor(shares), torch.tensor(places)))
    out = CutMix(labels=labels).apply(batch, draw)
    for row, (partner, share, place) in enumerate(zip(PARTNERS, shares, places, strict=True)):
        one, two = signal(batch, row), signal(batch, partner)
        common = min(one.shape[-1], two.shape[-1])
        n = round((1 - share) * common)
        start = int(place * (common - n + 1))
        wanted = one.copy()
        wanted[..., start : start + n] = two[..., start : start + n]
        same_signal(out, row, wanted)
        same_labels(out, row, batch, partner, labels, 1 - n / one.shape[-1])


def test_blocks_that_mean_nothing_are_refused():
    picture = Spec("features", 100.0, 1, 8)
    with pytest.raises(SettingsError, match=r"up to 9 bands is wider than the picture of 8; lower widest_bands"):
        SpecMix(widest_bands=9).after(picture)
    with pytest.raises(SettingsError, match=r"no band and less than a frame of 0\.01 s would be replaced; raise"):
        SpecMix(widest_bands=0, widest_s=0.001).after(picture)
    with pytest.raises(SettingsError, match="spec_mix takes power, magnitude or features, but wave comes in"):
        SpecMix().after(Spec("wave", 8000.0))
