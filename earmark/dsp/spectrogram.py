"""Mel spectrograms without ever holding the whole spectrum.

The spectrum of a clip is twenty times as large as its mel bands, so it is made and folded into bands a piece at a time,
in pieces that stay in the processor's cache. Four things make that fast: a band needs only the bins under its
triangle, so the filters are cut into groups of bands and each is multiplied with its own bins; squares of real
and imaginary parts are added by the same multiplication, through filters whose columns are doubled; frames that
lie in the padding are not computed at all on a CPU; and pieces are done side by side, each by one thread.
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
    """Some neighbouring bands and the bins that any of them needs: rows and columns of the filter matrix."""

    band: int
    end_band: int
    bin: int
    end_bin: int


def spans(filters: Float[Tensor, "mels freq"]) -> tuple[Span, ...]:
    """The filters in groups of neighbouring bands, with the bins that matter to each group.

    >>> spans(torch.eye(20))
    (Span(band=0, end_band=16, bin=0, end_bin=16), Span(band=16, end_band=20, bin=16, end_bin=20))
    """
    found = []
    for band in range(0, filters.shape[0], _BANDS_IN_GROUP):
        end = min(band + _BANDS_IN_GROUP, filters.shape[0])
        bins = filters[band:end].abs().sum(dim=0).nonzero()[:, 0]
        if len(bins):
            found.append(Span(band, end, int(bins[0]), int(bins[-1]) + 1))
    return tuple(found)


def mel_spectrogram(
    waves: Float[Tensor, "batch samples"],
    lengths: Int[Tensor, " batch"],
    hop_samples: int,
    window: Float[Tensor, " n_fft"],
    filters: Float[Tensor, "mels freq"],
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
        filters: from `earmark.dsp.mel.mel_filters`, on the device of the waves.
        groups: `spans` of the filters, made once.
        spectrum: what the filters are applied to: squared magnitudes or magnitudes.
    """
    n_fft, counts = window.shape[0], n_frames(lengths, hop_samples)
    if torch.is_grad_enabled() and waves.requires_grad:
        magnitudes = torch.fft.rfft(framed(waves, n_fft, hop_samples) * window).abs()
        bands = (magnitudes.square() if spectrum == "power" else magnitudes) @ filters.T
        return padding_zeroed(bands.transpose(-1, -2).contiguous(), counts)
    if spectrum == "power":
        filters, groups = _doubled(filters, groups)
    made = waves.new_zeros(waves.shape[0], filters.shape[0], n_frames(waves.shape[1], hop_samples))
    if waves.device.type != "cpu":
        _fill_together(made, framed(waves, n_fft, hop_samples), window, filters, spectrum)
        return padding_zeroed(made, counts)

    def fill(piece: tuple[int, int, int, int]) -> None:
        clip, length, start, end = piece
        bins = _folded(_frames(waves[clip, :length], start, end, n_fft, hop_samples) * window, spectrum)
        for band, end_band, first, end_bin in groups:
            torch.mm(
                filters[band:end_band, first:end_bin],
                bins[:, first:end_bin].T,
                out=made[clip, band:end_band, start:end],
            )

    step = max(1, _PIECE_ON_CPU // n_fft)
    clips = enumerate(zip(lengths.tolist(), counts.tolist(), strict=True))
    side_by_side(
        fill, [(clip, length, at, min(at + step, n)) for clip, (length, n) in clips for at in range(0, n, step)]
    )
    return made


def _frames(wave: Tensor, start: int, end: int, n_fft: int, hop_samples: int) -> Tensor:
    """Some of the centred frames [time, n_fft] of one clip [samples]; only pieces at its ends are copied."""
    first = start * hop_samples - n_fft // 2
    last = first + (end - start - 1) * hop_samples + n_fft
    before, behind = max(-first, 0), max(last - wave.shape[0], 0)
    piece = wave[first + before : last - behind]
    return (functional.pad(piece, (before, behind)) if before or behind else piece).unfold(0, n_fft, hop_samples)


def _fill_together(made: Tensor, frames: Tensor, window: Tensor, filters: Tensor, spectrum: Spectrum) -> None:
    """Fill ``made`` [batch, mels, time] from all clips at once, as many frames at a time as memory should hold."""
    step = max(1, _PIECE_ELSEWHERE // (frames.shape[0] * window.shape[0]))
    for start in range(0, frames.shape[1], step):
        bins = _folded(frames[:, start : start + step] * window, spectrum)
        made[:, :, start : start + step] = (bins @ filters.T).transpose(-1, -2)


def _folded(windowed: Tensor, spectrum: Spectrum) -> Tensor:
    """Magnitudes [..., freq], or the squares of real and imaginary parts side by side [..., 2 freq]."""
    parts = torch.view_as_real(torch.fft.rfft(windowed)).square_()
    if spectrum == "power":
        return parts.flatten(-2)
    return (parts[..., 0] + parts[..., 1]).sqrt_()


def _doubled(filters: Tensor, groups: tuple[Span, ...]) -> tuple[Tensor, tuple[Span, ...]]:
    """Filters for squares of real and imaginary parts side by side."""
    wide = tuple(Span(band, end_band, 2 * first, 2 * end) for band, end_band, first, end in groups)
    return filters.repeat_interleave(2, dim=1), wide
