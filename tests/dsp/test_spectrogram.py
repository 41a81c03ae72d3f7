"""The pieced, grouped mel spectrogram, against the plain product of spectrum and filters."""

from __future__ import annotations

import pytest
import torch

from earmark.dsp import framewise
from earmark.dsp.mel import mel_filters
from earmark.dsp.spectrogram import column_weights, mel_spectrogram, spans, spectrogram
from earmark.dsp.stft import stft, window

TAPS = window("hann", 512)
FILTERS = mel_filters(16000.0, 512, 40, 50.0, 8000.0)


def every_bin(waves, spectrum):
    magnitudes = stft(waves, 512, 100, TAPS).abs()
    return magnitudes**2 if spectrum == "power" else magnitudes


def plain(waves, spectrum):
    return FILTERS @ every_bin(waves, spectrum)


@pytest.mark.parametrize("spectrum", ["power", "magnitude"])
@pytest.mark.parametrize("piece", [512, 5 * 512, 10**9])
def test_pieces_and_groups_change_nothing(monkeypatch, spectrum, piece):
    monkeypatch.setattr(framewise, "_PIECE_ON_CPU", piece)
    waves = torch.randn(3, 3030, generator=torch.Generator().manual_seed(0))
    weights = column_weights(FILTERS, spectrum)
    made = mel_spectrogram(waves, torch.tensor([3030] * 3), 100, TAPS, weights, spans(weights), spectrum)
    assert made.is_contiguous()
    torch.testing.assert_close(made, plain(waves, spectrum), rtol=1e-4, atol=1e-6)
    bins = spectrogram(waves, torch.tensor([3030] * 3), 100, TAPS, spectrum)
    assert bins.is_contiguous()
    torch.testing.assert_close(bins, every_bin(waves, spectrum), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("spectrum", ["power", "magnitude"])
def test_with_gradient_and_without_are_the_same(spectrum):
    waves = torch.randn(2, 2000, generator=torch.Generator().manual_seed(0))
    waves[1, 777:] = 0.0
    weights = column_weights(FILTERS, spectrum)
    rest = (torch.tensor([2000, 777]), 100, TAPS, weights, spans(weights), spectrum)
    with_gradient = mel_spectrogram(waves.clone().requires_grad_(), *rest)
    assert with_gradient.requires_grad and with_gradient.is_contiguous()
    torch.testing.assert_close(with_gradient.detach(), mel_spectrogram(waves, *rest), rtol=1e-4, atol=1e-6)
    assert not with_gradient[1, :, 8:].any()
    bins = [spectrogram(each, *rest[:3], spectrum) for each in (waves.clone().requires_grad_(), waves)]
    assert bins[0].requires_grad and bins[0].is_contiguous() and not bins[0][1, :, 8:].any()
    torch.testing.assert_close(bins[0].detach(), bins[1], rtol=1e-4, atol=1e-5)


def test_the_number_of_threads_changes_no_bit():
    waves = torch.randn(5, 90_000, generator=torch.Generator().manual_seed(0))
    weights = column_weights(FILTERS, "power")
    before, found = torch.get_num_threads(), []
    try:
        for n_threads in (1, 2, 3):
            torch.set_num_threads(n_threads)
            lengths = torch.tensor([90_000, 1, 70_000, 512, 33_333])
            found.append(mel_spectrogram(waves, lengths, 10, TAPS, weights, spans(weights)))
    finally:
        torch.set_num_threads(before)
    assert torch.equal(found[0], found[1]) and torch.equal(found[0], found[2])


def test_spans_cover_everything_that_is_not_zero():
    rest = FILTERS.clone()
    for band, end_band, first, end in spans(FILTERS):
        rest[band:end_band, first:end] = 0.0
    assert not rest.any()
    assert sum((s.end_band - s.band) * (s.end_column - s.column) for s in spans(FILTERS)) < FILTERS.numel() / 2
