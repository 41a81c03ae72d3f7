"""Reverb and overdrive as steps: what is drawn, recorded rooms, refusals."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile
import torch

from earmark.core.batch import Batch, waves
from earmark.core.errors import DataError, SettingsError
from earmark.core.settings import read
from earmark.signal.augment.wave.overdrive import Overdrive, OverdriveDraw
from earmark.signal.augment.wave.reverb import Reverb
from earmark.signal.step import Spec

RATE_HZ = 16000


def clicks(n: int, n_samples: int = 2 * RATE_HZ) -> Batch:
    values = torch.zeros(n, n_samples)
    values[:, 0] = 1.0
    return waves(values, torch.full((n,), n_samples), float(RATE_HZ), tuple(map(str, range(n))), 1)


def made_of(step: Reverb, batch: Batch, seed: int = 0) -> Batch:
    return step.apply(batch, step.draw(batch, torch.Generator().manual_seed(seed)))


def schroeder_rt60_s(response: np.ndarray) -> float:
    energy = np.square(response.astype(np.float64))[::-1].cumsum()[::-1]
    level = 10 * np.log10(energy / energy[0] + 1e-30)
    inside = (level < -8) & (level > -35)
    return -60 / np.polyfit(np.flatnonzero(inside) / RATE_HZ, level[inside], 1)[0]


@pytest.mark.parametrize(
    "step",
    [
        Reverb(p=1, low_rt60_s=0.2, high_rt60_s=1.0),
        Reverb(p=1, low_reverberance=30, low_room_scale=30),
        Reverb(p=1, wet_gain_db=10, low_reverberance=30, low_room_scale=30),
    ],
)
def test_a_click_falls_silent_in_the_time_that_was_drawn(step):
    batch = clicks(8)
    draw = step.draw(batch, torch.Generator().manual_seed(0))
    made = step.apply(batch, draw).values
    for response, rt60_s, wet_db in zip(made.numpy(), draw.rt60_s.tolist(), draw.wet_db.tolist(), strict=True):
        assert schroeder_rt60_s(response) == pytest.approx(rt60_s, rel=0.1)
        assert 10 * np.log10(np.square(response[1:]).sum() / response[0] ** 2) == pytest.approx(wet_db, abs=1)
        assert np.square(response).sum() == pytest.approx(1, abs=1e-4)
    assert len({tuple(response[1:50].tolist()) for response in made}) == 8


def test_rooms_are_drawn_in_between():
    batch = clicks(1000, 1)
    given = Reverb(p=1, low_rt60_s=0.2, high_rt60_s=1.0).draw(batch, torch.Generator().manual_seed(0))
    assert 0.2 <= float(given.rt60_s.min()) < 0.21 and 0.99 < float(given.rt60_s.max()) <= 1
    drawn = Reverb(p=0.5).draw(batch, torch.Generator().manual_seed(0))
    assert float(drawn.rt60_s.min()) > 0.017 and float(drawn.rt60_s.max()) < 0.95
    assert float(drawn.wet_db.min()) >= -12.7 and float(drawn.wet_db.max()) <= -9.9
    assert float(drawn.hit.float().mean()) == pytest.approx(0.5, abs=0.05)


def test_recorded_rooms_are_aligned_and_put_at_the_rate(tmp_path):
    (tmp_path / "halls").mkdir()
    room = np.zeros((2000, 2), np.float32)
    room[100], room[600] = 0.8, 0.4
    soundfile.write(tmp_path / "halls/b.wav", room, RATE_HZ, subtype="FLOAT")
    soundfile.write(tmp_path / "a.flac", np.float32([0.5]), RATE_HZ)
    made = made_of(Reverb(p=1, impulse_responses=tmp_path), clicks(40, 1000)).values
    echoes = {tuple(clip.nonzero()[:, 0].tolist()) for clip in (made.abs() > 1e-4)}
    assert echoes == {(0,), (0, 500)}
    assert {round(float(clip[500] / clip[0]), 3) for clip in made} == {0.0, 0.5}
    torch.testing.assert_close(made.square().sum(1), torch.ones(40))
    slower = Reverb(p=1, impulse_responses=tmp_path / "halls")
    batch = clicks(1, 1000).changed(rate_hz=RATE_HZ / 2)
    assert int(made_of(slower, batch).values[0, 100:].abs().argmax()) + 100 == 250


def test_folders_without_rooms_are_refused(tmp_path):
    spec = Spec("wave", 16000.0)
    with pytest.raises(SettingsError, match="nowhere is none"):
        Reverb(impulse_responses=tmp_path / "nowhere").after(spec)
    with pytest.raises(SettingsError, match="holds none; put files there that end in"):
        Reverb(impulse_responses=tmp_path).after(spec)
    (tmp_path / "x.wav").write_text("not audio")
    with pytest.raises(DataError, match=r"x\.wav cannot be read"):
        Reverb(impulse_responses=tmp_path).after(spec)
    soundfile.write(tmp_path / "x.wav", np.zeros(100), 16000)
    with pytest.raises(DataError, match=r"x\.wav holds only silence"):
        Reverb(impulse_responses=tmp_path).after(spec)


def test_settings_without_meaning_are_refused():
    with pytest.raises(SettingsError, match="low_rt60_s and high_rt60_s go together"):
        read(Reverb, {"low_rt60_s": 1})
    with pytest.raises(SettingsError, match="low_room_scale must not be above high_room_scale, got 70 and 50"):
        read(Reverb, {"low_room_scale": 70})
    with pytest.raises(SettingsError, match=r"high_reverberance: .*100, got 101"):
        read(Reverb, {"high_reverberance": 101})
    with pytest.raises(SettingsError, match="silent after 1e-05 s has no tail at 44100 Hz"):
        Reverb(low_rt60_s=1e-5, high_rt60_s=1e-5).after(Spec("wave", 44100.0))
    with pytest.raises(SettingsError, match="low_db must not be above high_db, got 12 and 10"):
        read(Overdrive, {"low_db": 12})
    with pytest.raises(SettingsError, match="wave"):
        Overdrive().after(Spec("features", 100.0, 1, 32))


def test_overdrive_drives_by_the_gain_that_was_drawn():
    batch = clicks(2, 4000)
    batch = batch.changed(values=0.001 * torch.sin(0.3 * torch.arange(4000.0)).expand(2, -1))
    made = Overdrive(colour=0).apply(batch, OverdriveDraw(torch.tensor([True, False]), torch.tensor([6.0206, 6.0])))
    quiet = made.values.square().sum(1).sqrt() / batch.values.square().sum(1).sqrt()
    torch.testing.assert_close(quiet, torch.tensor([2.0, 1.0]), rtol=0.01, atol=0.01)
