"""Noise in spectrograms: as much as was asked, equally everywhere, and the same wherever the clip lies."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats
import soundfile
import torch

from earmark.core.batch import Batch, signal_mask, waves
from earmark.core.errors import SettingsError
from earmark.core.settings import read
from earmark.signal.augment.spectrogram.spectrogram_noise import SpectrogramNoise, SpectrogramNoiseDraw
from earmark.signal.frontends.mel import Mel
from earmark.signal.step import Spec


def chance(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def batch_of(values: torch.Tensor, lengths: tuple[int, ...], domain: str) -> Batch:
    found = torch.tensor(lengths)
    values = values * signal_mask(found, values.shape[3])[:, None, None]
    return waves(values, found, 10.0, tuple(map(str, lengths)), 1).changed(domain=domain)


def pictures(domain: str = "power", lengths: tuple[int, ...] = (60, 25, 1)) -> Batch:
    shape = (len(lengths), 1, 16, max(lengths))
    return batch_of(torch.rand(shape, generator=chance(5)) ** 4, lengths, domain)


def draw_of(*snr_db: float) -> SpectrogramNoiseDraw:
    seeds = torch.arange(2 * len(snr_db), dtype=torch.int32).view(-1, 2)
    return SpectrogramNoiseDraw(torch.ones(len(snr_db), dtype=torch.bool), torch.tensor(snr_db), seeds)


def power_of(batch: Batch) -> torch.Tensor:
    return batch.values.double() ** (1 if batch.domain == "power" else 2)


@pytest.mark.parametrize("domain", ["power", "magnitude"])
def test_the_ratio_of_powers_is_the_one_asked_for(domain):
    batch, asked = pictures(domain), (20.0, 0.0, -10.0)
    out = SpectrogramNoise().apply(batch, draw_of(*asked))
    noise = power_of(out) - power_of(batch)
    found = 10 * torch.log10(power_of(batch).sum((1, 2, 3)) / noise.sum((1, 2, 3)))
    assert found.tolist() == pytest.approx(asked, abs=0.01)
    assert float(noise.min()) > -1e-6 and not out.values[1, ..., 25:].any()


def test_noise_is_equally_strong_in_all_bands_and_of_the_exponential_law():
    batch = batch_of(torch.full((1, 1, 64, 400), 1e-9), (400,), "power")
    noise = SpectrogramNoise().apply(batch, draw_of(-90.0)).values[0, 0]
    assert scipy.stats.kstest((noise / noise.mean()).flatten().numpy(), scipy.stats.expon.cdf).statistic < 0.01
    assert float(noise.mean(dim=1).std() / noise.mean()) == pytest.approx(1 / 20, rel=0.3)
    assert float(noise.mean(dim=0).std() / noise.mean()) == pytest.approx(1 / 8, rel=0.2)
    between = np.corrcoef(noise[:-1].flatten(), noise[1:].flatten())[0, 1]
    assert abs(between) < 0.03


def test_every_clip_has_noise_of_its_own_and_keeps_it_however_far_it_is_padded():
    short, long = pictures(lengths=(20, 20)), pictures(lengths=(20, 50))
    long = long.changed(values=torch.cat([short.values, short.values.new_zeros(2, 1, 16, 30)], dim=3))
    long = long.changed(lengths=torch.tensor([20, 20]))
    one, other = (SpectrogramNoise().apply(batch, draw_of(0.0, 0.0)).values for batch in (short, long))
    torch.testing.assert_close(one, other[..., :20])
    added = one - short.values
    assert abs(np.corrcoef(added[0].flatten(), added[1].flatten())[0, 1]) < 0.2


def test_silence_stays_silent_and_gradients_finite():
    for domain in ("power", "magnitude"):
        batch = batch_of(torch.zeros(1, 1, 16, 9), (7,), domain)
        values = batch.values.clone().requires_grad_()
        out = SpectrogramNoise().apply(batch.changed(values=values), draw_of(0.0)).values
        out.sum().backward()
        assert not out.any() and values.grad is not None and bool(values.grad.isfinite().all())


def test_ratios_are_uniform_in_decibels():
    drawn = SpectrogramNoise(p=0.4, low_db=5, high_db=15).draw(pictures(lengths=(1,) * 4000), chance())
    assert scipy.stats.kstest(drawn.snr_db.numpy(), scipy.stats.uniform(5, 10).cdf).statistic < 0.03
    assert float(drawn.hit.float().mean()) == pytest.approx(0.4, abs=0.03)
    assert len(drawn.seed.unique(dim=0)) == 4000


def test_a_real_recording_gets_the_noise_asked_for(shared_data):
    wave, rate = soundfile.read(shared_data / "fixtures/00c4e82c.wav", dtype="float32")
    clip = waves(torch.from_numpy(wave)[None], torch.tensor([len(wave)]), rate, ("clip",), 1)
    power = Mel().build(Spec("wave", rate))(clip)
    noise = power_of(SpectrogramNoise().apply(power, draw_of(15.0))) - power_of(power)
    assert 10 * float(torch.log10(power_of(power).sum() / noise.sum())) == pytest.approx(15.0, abs=0.05)


def test_settings_without_meaning_are_refused():
    with pytest.raises(SettingsError, match="low_db must not be above high_db, got 50 and 40"):
        read(SpectrogramNoise, {"low_db": 50})
    with pytest.raises(SettingsError, match="takes power or magnitude, but features come in"):
        SpectrogramNoise().after(Spec("features", 10.0, 1, 16))
