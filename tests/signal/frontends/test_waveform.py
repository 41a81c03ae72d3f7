"""Waves for nets that listen to waves: their level, and that silence stays silence."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile
import torch

from earmark.core.batch import Batch, waves
from earmark.signal.frontends.waveform import Waveform
from earmark.signal.step import Spec

SPEC = Spec("wave", 44100.0)


def some(lengths: list[int]) -> Batch:
    values = torch.randn(len(lengths), max(lengths), generator=torch.Generator().manual_seed(0)) * 0.1
    for row, length in zip(values, lengths, strict=True):
        row[length:] = 0.0
    return waves(values, torch.tensor(lengths), 44100.0, tuple(map(str, lengths)), 1)


def test_by_default_waves_are_as_they_are():
    batch = some([300, 20])
    out = Waveform().build(SPEC)(batch)
    assert torch.equal(out.values, batch.values) and out.domain == "wave"
    assert Waveform(level="rms").after(SPEC) == SPEC


@pytest.mark.parametrize(("level", "measured"), [("peak", np.inf), ("rms", 2)])
def test_each_clip_gets_the_level_that_was_asked_for_over_its_own_signal(level, measured):
    out = Waveform(level=level, factor=0.5).build(SPEC)(some([300, 20, 1])).values
    for row, length in zip(out, [300, 20, 1], strict=True):
        signal = row[:length].double().numpy()
        found = np.abs(signal).max() if measured == np.inf else np.sqrt((signal**2).mean())
        assert found == pytest.approx(0.5, rel=1e-5)
        assert not row[length:].any()


@pytest.mark.parametrize("level", ["none", "peak", "rms"])
def test_silence_stays_silence(level):
    batch = some([50])
    out = Waveform(level=level).build(SPEC)(batch.changed(values=torch.zeros(1, 50)))
    assert not out.values.any()


def test_the_factor_gives_back_the_integers_of_a_recording(shared_data):
    name = shared_data / "fixtures/00c4e82c.wav"
    wave, rate = soundfile.read(name, dtype="float32")
    integers, _ = soundfile.read(name, dtype="int16")
    batch = waves(torch.from_numpy(wave)[None], torch.tensor([len(wave)]), rate, ("clip",), 1)
    out = Waveform(factor=32768).build(Spec("wave", rate))(batch).values
    np.testing.assert_array_equal(out[0], integers.astype(np.float32))
