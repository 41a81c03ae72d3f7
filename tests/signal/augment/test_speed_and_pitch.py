"""Speed, tempo, pitch: tones are found where they belong, clips are as long as they should be."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile
import torch

from earmark.core.batch import Batch, waves
from earmark.core.errors import SettingsError
from earmark.core.settings import read
from earmark.dsp.mel import mel_filters
from earmark.dsp.stft import stft, window
from earmark.signal.augment.wave.pitch import Pitch, PitchDraw
from earmark.signal.augment.wave.speed import Speed, SpeedDraw
from earmark.signal.augment.wave.tempo import Tempo, TempoDraw
from earmark.signal.step import Spec
from tests.tones import loudest_hz, tone

RATE_HZ = 22050


def batch_of(*clips: torch.Tensor, rate_hz: float = RATE_HZ) -> Batch:
    values = torch.nn.utils.rnn.pad_sequence(list(clips), batch_first=True)
    lengths = torch.tensor([len(clip) for clip in clips])
    return waves(values, lengths, rate_hz, tuple(map(str, range(len(clips)))), 1)


def chance(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def bands_db(batch: Batch) -> torch.Tensor:
    """The mean spectrum of the first clip in mel bands, in dB."""
    wave = batch.values[:1, : int(batch.lengths[0])]
    power = stft(wave, 2048, 512, window("hann", 2048)).abs().square().mean(-1)[0]
    return 10 * torch.log10(mel_filters(batch.rate_hz, 2048, 40, 50, 14000) @ power + 1e-9)


@pytest.mark.parametrize("cents", [-2400.0, -300.0, -37.0, 150.0, 300.0, 1200.0])
@pytest.mark.parametrize("hz", [220.0, 1000.0])
def test_a_shifted_tone_is_found_where_the_cents_put_it(hz, cents):
    made = Pitch().apply(batch_of(tone(hz, RATE_HZ)), PitchDraw(torch.tensor([cents])))
    assert int(made.lengths[0]) == 2 * RATE_HZ
    inside = made.values[0, 2000:-4000]
    assert 1200 * np.log2(loudest_hz(inside, RATE_HZ) / hz) == pytest.approx(cents, abs=2)
    assert float(inside.square().mean()) == pytest.approx(0.5, rel=0.05)


def test_each_clip_has_its_own_shift_and_what_is_not_hit_stays():
    batch = batch_of(tone(500, RATE_HZ), tone(500, RATE_HZ, 1.0), tone(500, RATE_HZ))
    made = Pitch().apply(batch, PitchDraw(torch.tensor([100.0, -200.0, 0.0])))
    assert made.lengths.tolist() == batch.lengths.tolist()
    for i, cents in enumerate((100, -200, 0)):
        heard = loudest_hz(made.values[i, 1000 : int(made.lengths[i]) - 2500], RATE_HZ)
        assert 1200 * np.log2(heard / 500) == pytest.approx(cents, abs=2)
    assert torch.equal(made.values[2], batch.values[2])


def test_speed_changes_pitch_and_length_tempo_length_only():
    faster = Speed().apply(batch_of(tone(500, RATE_HZ)), SpeedDraw(torch.tensor([1.1])))
    assert int(faster.lengths[0]) == round(2 * RATE_HZ / 1.1) and faster.padded
    assert loudest_hz(faster.values[0, 500:39000], RATE_HZ) == pytest.approx(550, rel=1e-4)
    quicker = Tempo().apply(batch_of(tone(500, RATE_HZ)), TempoDraw(torch.tensor([1.1])))
    assert int(quicker.lengths[0]) == round(2 * RATE_HZ / 1.1) and quicker.padded
    assert loudest_hz(quicker.values[0, 500:38000], RATE_HZ) == pytest.approx(500, rel=1e-3)
    for made in (faster, quicker):
        assert not made.values[0, int(made.lengths[0]) :].any()


def test_what_becomes_longer_fills_its_padding_and_is_cut_at_the_end():
    batch = batch_of(tone(500, RATE_HZ), tone(500, RATE_HZ, 1.0))
    for step, draw in ((Speed(), SpeedDraw), (Tempo(), TempoDraw)):
        made = step.apply(batch, draw(torch.tensor([0.8, 0.8])))
        assert made.lengths.tolist() == [2 * RATE_HZ, int(1.25 * RATE_HZ) + 1]
        assert made.values.shape == batch.values.shape


def test_speeds_follow_their_laws():
    batch = batch_of(*[torch.zeros(1)] * 4000)
    even = Speed(p=1, low=0.5, high=2).draw(batch, chance()).factor
    log = Speed(p=1, low=0.5, high=2, law="log").draw(batch, chance()).factor
    assert float(even.median()) == pytest.approx(1.25, abs=0.05) and float(log.median()) == pytest.approx(1, abs=0.05)
    for drawn in (even, log):
        assert 0.5 <= float(drawn.min()) < 0.51 and 1.98 < float(drawn.max()) <= 2
    hit = Speed(p=0.3).draw(batch, chance()).factor != 1
    assert float(hit.float().mean()) == pytest.approx(0.3, abs=0.03)


def test_a_real_clip_at_another_tempo_sounds_the_same_and_a_shift_can_be_undone(shared_data):
    wave, rate_hz = soundfile.read(shared_data / "fixtures/00c4e82c.wav", dtype="float32")
    batch = batch_of(torch.from_numpy(wave[: 3 * rate_hz]), rate_hz=rate_hz)
    before = bands_db(batch)
    for factor in (0.9, 1.1):
        after = bands_db(Tempo().apply(batch, TempoDraw(torch.tensor([factor]))))
        assert float((after - before).abs().mean()) < 1.5
    up = Pitch().apply(batch, PitchDraw(torch.tensor([300.0])))
    back = bands_db(Pitch().apply(up, PitchDraw(torch.tensor([-300.0]))))
    moved, undone = (float((each - before).abs().mean()) for each in (bands_db(up), back))
    assert undone < 2 < moved + 1


def test_settings_without_meaning_are_refused():
    with pytest.raises(SettingsError, match=r"high_cents.*2400, got 2401"):
        read(Pitch, {"high_cents": 2401})
    with pytest.raises(SettingsError, match="low_cents must not be above high_cents, got 5 and -5"):
        read(Pitch, {"low_cents": 5, "high_cents": -5})
    for kind in (Speed, Tempo):
        with pytest.raises(SettingsError, match=r"low must not be above high, got 1\.2 and 1\.1"):
            read(kind, {"low": 1.2})
        with pytest.raises(SettingsError, match="wave"):
            kind().after(Spec("power", 100.0, 1, 32))
    for kind in (Pitch, Tempo):
        with pytest.raises(SettingsError, match=r"segments of 0\.082 s are 20 samples at 250 Hz, too few"):
            kind().after(Spec("wave", 250.0))
        assert kind(segment_s=1).after(Spec("wave", 250.0)).rate_hz == 250
