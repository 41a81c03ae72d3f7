"""Tempo without pitch: what stays and what moves."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from earmark.dsp import stretch as module
from earmark.dsp.resample import n_resampled
from earmark.dsp.stretch import pieces, stretch
from tests.tones import loudest_hz, tone

RATE_HZ = 16000
CUT = pieces(round(0.082 * RATE_HZ))


def played(wave: torch.Tensor, tempo: float) -> torch.Tensor:
    tempos, lengths = torch.tensor([tempo], dtype=torch.float64), torch.tensor([wave.shape[-1]])
    return stretch(wave[None], lengths, tempos, int(n_resampled(lengths, tempos)), CUT)[0]


@pytest.mark.parametrize("tempo", [0.5, 0.9, 1.1, 2.0])
@pytest.mark.parametrize("hz", [110.0, 440.0, 3000.0])
def test_a_tone_keeps_its_pitch_and_level(hz, tempo):
    made = played(tone(hz, RATE_HZ), tempo)
    assert len(made) == pytest.approx(2 * RATE_HZ / tempo, abs=1)
    inside = made[1000 : -round(0.1 * RATE_HZ)]
    assert 1200 * np.log2(loudest_hz(inside, RATE_HZ) / hz) == pytest.approx(0, abs=1)
    assert float(inside.square().mean().sqrt()) == pytest.approx(0.5**0.5, rel=0.02)


@pytest.mark.parametrize("tempo", [0.8, 1.25])
def test_clicks_move_to_where_the_tempo_puts_them(tempo):
    wave = torch.zeros(3 * RATE_HZ)
    at = torch.tensor([0.4, 1.1, 1.9, 2.6])
    wave[(at * RATE_HZ).long()] = 1.0
    made = played(wave, tempo)
    for expected in (at / tempo).tolist():
        near = made[round((expected - 0.09) * RATE_HZ) : round((expected + 0.09) * RATE_HZ)]
        assert float(near.abs().max()) > 0.4


def test_a_tempo_of_one_changes_nothing():
    wave = torch.randn(20000, generator=torch.Generator().manual_seed(0))
    assert torch.equal(played(wave, 1.0), wave)
    assert torch.equal(played(torch.zeros(20000), 1.3), torch.zeros(15385))


def test_noise_keeps_its_level():
    wave = torch.randn(2 * RATE_HZ, generator=torch.Generator().manual_seed(0))
    for tempo in (0.8, 1.2):
        assert float(played(wave, tempo)[:-2000].square().mean()) == pytest.approx(1.0, abs=0.1)


def test_clips_of_a_batch_do_not_touch_one_another():
    chance = torch.Generator().manual_seed(0)
    lengths = torch.tensor([16000, 9000, 1, 12345])
    waves = torch.randn(4, 16000, generator=chance) * (torch.arange(16000) < lengths[:, None])
    tempos = torch.tensor([0.8, 1.1, 0.9, 1.3], dtype=torch.float64)
    made, counts = stretch(waves, lengths, tempos, 16000, CUT), n_resampled(lengths, tempos).clamp(max=16000)
    at_once = module._stretched(waves, tempos, 16000, CUT)
    for i, (length, count) in enumerate(zip(lengths.tolist(), counts.tolist(), strict=True)):
        alone = stretch(waves[i : i + 1, :length], lengths[i : i + 1], tempos[i : i + 1], count, CUT)
        assert torch.equal(made[i, :count], alone[0]) and torch.equal(made[i, :count], at_once[i, :count])
        assert not made[i, count:].any()


def test_segments_too_short_for_a_join_are_none():
    assert pieces(27) is None
    shortest = pieces(28)
    assert shortest and shortest.overlap >= 4 and shortest.search >= 5 and shortest.hop > shortest.overlap
