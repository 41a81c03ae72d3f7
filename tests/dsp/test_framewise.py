"""Work on frames a piece at a time: on a CPU, on an accelerator and with a gradient it is the same."""

from __future__ import annotations

import pytest
import torch

from earmark.dsp import framewise
from earmark.dsp.framewise import folded
from earmark.dsp.stft import framed, n_frames

WAVES = torch.randn(3, 3030, generator=torch.Generator().manual_seed(0))
LENGTHS = [3030, 777, 1]


def ends(frames, keep):
    """Two bands: the first value of a frame and its last."""
    return frames[..., [0, -1]].transpose(-1, -2)


def by_hand(wave):
    return framed(wave[None], 512, 100)[0, :, [0, -1]].T


@pytest.mark.parametrize("piece", [512, 5 * 512, 10**9])
def test_each_clip_is_what_it_is_alone_and_zero_behind(monkeypatch, piece):
    monkeypatch.setattr(framewise, "_PIECE_ON_CPU", piece)
    waves = WAVES * (torch.arange(3030) < torch.tensor(LENGTHS)[:, None])
    made = folded(waves, torch.tensor(LENGTHS), 512, 100, 2, ends)
    for clip, length in enumerate(LENGTHS):
        n = n_frames(length, 100)
        assert torch.equal(made[clip, :, :n], by_hand(waves[clip, :length]))
        assert not made[clip, :, n:].any()
    with_gradient = folded(waves.requires_grad_(), torch.tensor(LENGTHS), 512, 100, 2, ends)
    assert with_gradient.requires_grad and torch.equal(with_gradient, made)


@pytest.mark.parametrize("piece", [3 * 512, 5 * 3 * 512, 10**9])
def test_the_way_of_accelerators_gives_the_same(monkeypatch, piece):
    monkeypatch.setattr(framewise, "_PIECE_ELSEWHERE", piece)
    made = torch.zeros(3, 2, n_frames(3030, 100))
    framewise._fill_together(made, framed(WAVES, 512, 100), ends)
    assert torch.equal(made, torch.stack([by_hand(wave) for wave in WAVES]))
