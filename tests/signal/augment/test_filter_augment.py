"""FilterAugment: parts, borders and weights as drawn, and the same filter in every domain."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile
import torch

from earmark.core.batch import Batch, waves
from earmark.core.errors import SettingsError
from earmark.core.settings import read
from earmark.signal.augment.spectrogram.filter_augment import FilterAugment, FilterAugmentDraw
from earmark.signal.frontends.decibel import Decibel
from earmark.signal.frontends.mel import Mel
from earmark.signal.step import Spec


def chance(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def ones(n: int, bands: int, domain: str = "power") -> Batch:
    values = torch.ones(n, 1, bands, 3)
    return waves(values, torch.full((n,), 3), 10.0, tuple(map(str, range(n))), 1).changed(domain=domain)


def curves(step: FilterAugment, n: int = 2000, bands: int = 40) -> np.ndarray:
    return step.draw(ones(n, bands), chance()).weight_db.numpy()


def parts_of(curve: np.ndarray, repeats: bool) -> list[np.ndarray]:
    """A curve cut where neighbours are equal (linear: each border is the end of one part and the start of the next) or
    where they differ (step)."""
    cut = np.flatnonzero((np.diff(curve) == 0) == repeats) + 1
    return np.split(curve, cut)


def test_steps_are_constant_over_parts_of_the_widths_asked_for():
    found = [parts_of(curve, False) for curve in curves(FilterAugment(p=1, law="step", narrowest_bands=6))]
    assert {len(parts) for parts in found} == {2, 3, 4, 5}
    widths = [len(part) for parts in found for part in parts]
    assert min(widths) == 6 and max(widths) == 34
    weights = np.array([part[0] for parts in found for part in parts])
    assert -6 <= weights.min() < -5.9 and 5.9 < weights.max() <= 6 and abs(weights.mean()) < 0.15


def test_lines_run_from_border_to_border():
    for curve in curves(FilterAugment(p=1, law="linear", narrowest_bands=4), n=300):
        parts = parts_of(curve, True)
        assert 2 <= len(parts) <= 5
        for part in parts:
            assert len(part) >= 4
            np.testing.assert_allclose(part, np.linspace(part[0], part[-1], len(part)), atol=1e-5)


def test_every_place_of_a_border_is_as_likely():
    found = curves(FilterAugment(p=1, law="step", fewest_parts=2, most_parts=2, narrowest_bands=3), n=6000, bands=9)
    borders = np.array([len(parts_of(curve, False)[0]) for curve in found])
    counts = np.bincount(borders, minlength=10)
    assert counts[[3, 4, 5, 6]] == pytest.approx([1500] * 4, rel=0.1) and counts.sum() == counts[3:7].sum()


def test_a_part_may_be_one_band_and_one_part_the_whole():
    (alone,) = curves(FilterAugment(p=1, law="step", fewest_parts=1, most_parts=1), n=1)
    assert len(set(alone.tolist())) == 1
    each = curves(FilterAugment(p=1, fewest_parts=8, most_parts=8, narrowest_bands=1), n=3, bands=8)
    assert np.isfinite(each).all() and all(len(set(curve.tolist())) == 8 for curve in each)


def test_p_says_how_many_are_filtered():
    filtered = (curves(FilterAugment(p=0.3)) != 0).any(axis=1)
    assert filtered.mean() == pytest.approx(0.3, abs=0.04)


def test_weights_are_decibels_of_power_and_of_magnitude():
    draw = FilterAugmentDraw(torch.tensor([[10.0, -20.0], [0.0, 20.0]]))
    power, magnitude = (FilterAugment().apply(ones(2, 2, domain), draw).values for domain in ("power", "magnitude"))
    torch.testing.assert_close(power[:, 0, :, 0], torch.tensor([[10.0, 0.01], [1.0, 100.0]]))
    torch.testing.assert_close(magnitude.square(), power)
    features = FilterAugment().apply(ones(2, 2, "features"), draw).values
    assert features[:, 0, :, 1].tolist() == [[11.0, -19.0], [1.0, 21.0]]


def test_it_is_one_filter_before_and_after_decibels(shared_data):
    wave, rate = soundfile.read(shared_data / "fixtures/00c4e82c.wav", dtype="float32")
    spec = Spec("wave", rate)
    clip = waves(torch.from_numpy(wave)[None], torch.tensor([len(wave)]), rate, ("clip",), 1)
    power, decibel = Mel().build(spec)(clip), Decibel(top_db=None, amin=1e-30).build(Mel().after(spec))
    step = FilterAugment(p=1)
    draw = step.draw(power, chance())
    torch.testing.assert_close(
        decibel(step.apply(power, draw)).values, step.apply(decibel(power), draw).values, rtol=1e-4, atol=1e-3
    )


def test_settings_without_meaning_are_refused():
    with pytest.raises(SettingsError, match="low_db must not be above high_db, got 7 and 6"):
        read(FilterAugment, {"low_db": 7})
    with pytest.raises(SettingsError, match="fewest_parts must not be above most_parts, got 6 and 5"):
        read(FilterAugment, {"fewest_parts": 6})
    with pytest.raises(SettingsError, match="5 parts of 4 bands or more do not fit into the picture of 16"):
        FilterAugment().after(Spec("power", 10.0, 1, 16))
