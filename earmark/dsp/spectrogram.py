"""Mel spectrograms without ever holding the whole spectrum.

The spectrum of a clip is twenty times as large as its mel bands, so it is made and folded into bands a piece at a time,
in pieces that stay in the processor's cache. Four things make that fast: a band needs only the bins under its
triangle, so the filters are cut into groups of bands and each is multiplied with its own bins; squares of real
and imaginary parts are added by the same multiplication, through filters whose columns are doubled; frames that
lie in the padding are not computed at all on a CPU; and pieces are done side by side there, each by one thread.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from earmark.dsp.padding import padding_zeroed
from earmark.dsp.stft import framed, n_frames
from earmark.dsp.threads import side_by_side

Spectrum = Literal["power", "magnitude"]

# Values in a piece of frames: 5 MB with its spectrum on a CPU, half a GB on an accelerator.
_PIECE_ON_CPU = 5 << 17
_PIECE_ELSEWHERE = 1 << 26
_BANDS_IN_GROUP = 16


class Span(NamedTuple):
    """Some neighbouring bands and the columns that any of them needs: a part of the matrix of weights."""

    band: int
    end_band: int
    column: int
    end_column: int


class _Piece(NamedTuple):
    """Some frames of one clip of so many samples."""

    clip: int
    n_samples: int
    start: int
    end: int


def column_weights(filters: Float[Tensor, "mels freq"], spectrum: Spectrum) -> Float[Tensor, "mels columns"]:
    """The matrix that `mel_spectrogram` multiplies with, from `earmark.dsp.mel.mel_filters`.

    Magnitudes have one column for each FFT bin. Power has two, for the squares of the real and the imaginary part.
    """
    return filters.repeat_interleave(2, dim=1) if spectrum == "power" else filters


def spans(weights: Float[Tensor, "mels columns"]) -> tuple[Span, ...]:
    """The bands in groups of neighbours, with the columns that matter to each group.

    >>> spans(torch.eye(20))
    (Span(band=0, end_band=16, column=0, end_column=16), Span(band=16, end_band=20, column=16, end_column=20))
    """
    found = []
    for band in range(0, weights.shape[0], _BANDS_IN_GROUP):
        end = min(band + _BANDS_IN_GROUP, weights.shape[0])
        columns = weights[band:end].abs().sum(dim=0).nonzero()[:, 0].tolist() or [0]
        found.append(Span(band, end, columns[0], columns[-1] + 1))
    return tuple(found)


def mel_spectrogram(
    waves: Float[Tensor, "batch samples"],
    lengths: Int[Tensor, " batch"],
    hop_samples: int,
    window: Float[Tensor, " n_fft"],
    weights: Float[Tensor, "mels columns"],
    groups: tuple[Span, ...],
    spectrum: Spectrum = "power",
) -> Float[Tensor, "batch mels time"]:
    """Power or magnitude in mel bands, of centred frames with zeros beyond the ends.

    The frames of a clip do not depend on what else is in the batch, and frames behind its length are exactly zero.

    Args:
        waves: zero behind the length of each clip.
        lengths: samples of signal, from 1 on.
        hop_samples: samples from one frame to the next.
        window: as long as the FFT, on the device of the waves.
        weights: `column_weights` of the filters for this spectrum, on the device of the waves.
        groups: `spans` of the weights, made once.
        spectrum: what is summed in a band: squared magnitudes or magnitudes.
    """
    n_fft, counts = window.shape[0], n_frames(lengths, hop_samples)
    if torch.is_grad_enabled() and waves.requires_grad:
        columns = _columns(framed(waves, n_fft, hop_samples) * window, spectrum, keep=True)
        return padding_zeroed((columns @ weights.T).transpose(-1, -2).contiguous(), counts)
    made = waves.new_empty(waves.shape[0], weights.shape[0], n_frames(waves.shape[1], hop_samples))
    if waves.device.type != "cpu":
        _fill_together(made, framed(waves, n_fft, hop_samples), window, weights, spectrum)
        return padding_zeroed(made, counts)

    def fill(piece: _Piece) -> None:
        frames = _frames(waves[piece.clip, : piece.n_samples], piece.start, piece.end, n_fft, hop_samples)
        columns = _columns(frames * window, spectrum)
        bands = made[piece.clip, :, piece.start : piece.end]
        for band, end_band, first, end in groups:
            torch.mm(weights[band:end_band, first:end], columns[:, first:end].T, out=bands[band:end_band])
        if piece.end == n_frames(piece.n_samples, hop_samples):
            made[piece.clip, :, piece.end :] = 0.0

    side_by_side(fill, _pieces(lengths.tolist(), hop_samples, max(1, _PIECE_ON_CPU // n_fft)))
    return made


def _pieces(lengths: list[int], hop_samples: int, most: int) -> list[_Piece]:
    """All frames of all clips, at most so many in a piece."""
    return [
        _Piece(clip, length, start, min(start + most, n_frames(length, hop_samples)))
        for clip, length in enumerate(lengths)
        for start in range(0, n_frames(length, hop_samples), most)
    ]


def _frames(wave: Tensor, start: int, end: int, n_fft: int, hop_samples: int) -> Tensor:
    """Some of the centred frames [time, n_fft] of one clip [samples]; only pieces at its ends are copied."""
    first = start * hop_samples - n_fft // 2
    last = first + (end - start - 1) * hop_samples + n_fft
    before, behind = max(-first, 0), max(last - wave.shape[0], 0)
    piece = wave[first + before : last - behind]
    return (functional.pad(piece, (before, behind)) if before or behind else piece).unfold(0, n_fft, hop_samples)


def _fill_together(made: Tensor, frames: Tensor, window: Tensor, weights: Tensor, spectrum: Spectrum) -> None:
    """Fill ``made`` [batch, mels, time] from all clips at once, as many frames at a time as memory should hold."""
    step = max(1, _PIECE_ELSEWHERE // (frames.shape[0] * window.shape[0]))
    for start in range(0, frames.shape[1], step):
        columns = _columns(frames[:, start : start + step] * window, spectrum)
        made[:, :, start : start + step] = (columns @ weights.T).transpose(-1, -2)


def _columns(windowed: Tensor, spectrum: Spectrum, keep: bool = False) -> Tensor:
    """What the weights are for: [..., columns]; ``keep`` leaves what a gradient needs, and takes longer."""
    spectra: Tensor = torch.fft.rfft(windowed)
    if keep and spectrum == "magnitude":
        return spectra.abs()  # Unlike a square root, it has a gradient at zero.
    parts = torch.view_as_real(spectra)
    parts = parts.square() if keep else parts.square_()
    return parts.flatten(-2) if spectrum == "power" else (parts[..., 0] + parts[..., 1]).sqrt_()
