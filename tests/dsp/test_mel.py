"""The mel scales and filters, against librosa."""

from __future__ import annotations

import librosa
import numpy as np
import pytest
import torch

from earmark.core.errors import SettingsError
from earmark.dsp.mel import hz_to_mel, mel_filters, mel_to_hz


@pytest.mark.parametrize("scale", ["slaney", "htk"])
def test_scale_is_that_of_librosa_and_can_be_undone(scale):
    hz = torch.tensor([0.0, 20.0, 999.0, 1000.0, 1001.0, 22050.0], dtype=torch.float64)
    mel = hz_to_mel(hz, scale)
    np.testing.assert_allclose(mel, librosa.hz_to_mel(hz.numpy(), htk=scale == "htk"), rtol=1e-12)
    torch.testing.assert_close(mel_to_hz(mel, scale), hz)
    assert bool((mel.diff() > 0).all())


@pytest.mark.parametrize("scale", ["slaney", "htk"])
@pytest.mark.parametrize("area_norm", [True, False])
@pytest.mark.parametrize(
    ("rate", "n_fft", "n_mels", "low", "high"),
    [(44100.0, 2560, 128, 20.0, 22050.0), (16000.0, 1024, 40, 0.0, 8000.0), (32000.0, 999, 20, 50.0, 14000.0)],
)
def test_filters_are_those_of_librosa(rate, n_fft, n_mels, low, high, scale, area_norm):
    theirs = librosa.filters.mel(
        sr=rate,
        n_fft=n_fft,
        n_mels=n_mels,
        fmin=low,
        fmax=high,
        htk=scale == "htk",
        norm="slaney" if area_norm else None,
    )
    ours = mel_filters(rate, n_fft, n_mels, low, high, scale, area_norm)
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6 * theirs.max())


def test_filters_of_one_height_cover_every_bin_inside_equally():
    inside = mel_filters(44100.0, 4096, 40, 100.0, 20000.0, area_norm=False).sum(0)
    bins = torch.arange(2049) * 44100 / 4096
    first, last = mel_to_hz(torch.linspace(*hz_to_mel(torch.tensor([100.0, 20000.0])).tolist(), 42))[[1, -2]]
    torch.testing.assert_close(inside[(bins > first) & (bins < last)].min(), torch.tensor(1.0))
    assert inside.max() < 1 + 1e-5


def test_what_cannot_be_is_refused_in_a_sentence():
    with pytest.raises(SettingsError, match="need audio of at least 44100 Hz, got 16000 Hz; lower fmax_hz"):
        mel_filters(16000.0, 1024, 40, 0.0, 22050.0)
    with pytest.raises(SettingsError, match="got 500 to 400 Hz"):
        mel_filters(16000.0, 1024, 40, 500.0, 400.0)
    with pytest.raises(SettingsError, match=r"128 mel bands .* FFT of 256 samples .*: \d+ of them would always be"):
        mel_filters(44100.0, 256, 128, 20.0, 22050.0)
