"""Frames, windows and spectra, against scipy, torch and librosa."""

from __future__ import annotations

import librosa
import numpy as np
import pytest
import scipy.signal
import torch

from earmark.core.errors import SettingsError
from earmark.dsp.stft import framed, n_frames, stft, window


@pytest.mark.parametrize("name", ["hann", "hamming", "blackman"])
@pytest.mark.parametrize("n", [2, 255, 2560])
def test_windows_are_those_of_scipy(name, n):
    np.testing.assert_allclose(window(name, n), scipy.signal.get_window(name, n, fftbins=True), atol=1e-7)


def test_short_window_lies_where_librosa_puts_it():
    padded = librosa.util.pad_center(np.asarray(window("hann", 301)), size=512)
    np.testing.assert_array_equal(window("hann", 301, n_fft=512), padded)
    with pytest.raises(SettingsError, match="window of 600 samples"):
        window("hann", 600, n_fft=512)


@pytest.mark.parametrize("pad", ["constant", "reflect"])
@pytest.mark.parametrize(("n_fft", "hop", "win"), [(512, 128, 512), (1000, 347, 800), (64, 64, 33)])
def test_stft_is_that_of_librosa(n_fft, hop, win, pad):
    waves = torch.randn(2, 5000, generator=torch.Generator().manual_seed(1))
    ours = stft(waves, n_fft, hop, window("hann", win), pad=pad)
    theirs = librosa.stft(waves.numpy(), n_fft=n_fft, hop_length=hop, win_length=win, pad_mode=pad)
    assert ours.shape == (2, n_fft // 2 + 1, n_frames(5000, hop))
    np.testing.assert_allclose(ours, theirs, atol=2e-4)


def test_stft_without_centring_is_that_of_torch():
    waves = torch.randn(3, 2000, generator=torch.Generator().manual_seed(2))
    taps = window("hamming", 256)
    theirs = torch.stft(waves, 256, 100, window=taps, center=False, return_complex=True)
    torch.testing.assert_close(stft(waves, 256, 100, taps, center=False), theirs, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("n_fft", [8, 9])
@pytest.mark.parametrize("n", [1, 2, 6, 7, 20, 21])
def test_number_of_frames_is_the_same_for_even_and_odd_sizes(n, n_fft):
    frames = framed(torch.zeros(1, n), n_fft, 7)
    assert frames.shape[1] == n_frames(n, 7) == int(n_frames(torch.tensor(n), 7))


def test_centred_frames_lie_around_multiples_of_the_hop():
    wave = torch.zeros(1, 100)
    wave[0, 30] = 1.0
    frames = framed(wave, 16, 10)[0]
    assert frames[3].argmax() == 8
    assert frames.sum() == 1  # the frames around 20 and 40 reach from 12 to 27 and from 32 to 47
    assert frames.stride() == (10, 1)


def test_too_few_samples_are_refused():
    with pytest.raises(SettingsError, match="as many, got 5"):
        framed(torch.zeros(1, 5), 8, 2, center=False)
    with pytest.raises(SettingsError, match="more than 4 samples, got 4"):
        framed(torch.zeros(1, 4), 8, 2, pad="reflect")
    with pytest.raises(SettingsError, match="does not fit an FFT of 8"):
        stft(torch.zeros(1, 50), 8, 2, torch.ones(9))
