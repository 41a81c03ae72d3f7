"""Spectrograms, in bands or of every FFT bin, without ever holding the whole complex spectrum.

The spectrum of a clip is twenty times as large as its mel bands, so it is made and folded into bands a piece at a time
(`earmark.dsp.framewise`). Two more things make that fast: a band needs only the bins under its triangle, so the filters
are cut into groups of bands and each is multiplied with its own bins; and squares of real and imaginary parts are
added by the same multiplication, through filters whose columns are doubled.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from earmark.dsp.framewise import folded

Spectrum = Literal["power", "magnitude"]

_BANDS_IN_GROUP = 16


class Span(NamedTuple):
    """Some neighbouring bands and the columns that any of them needs: a part of the matrix of weights."""

    band: int
    end_band: int
    column: int
    end_column: int


def column_weights(filters: Float[Tensor, "bands freq"], spectrum: Spectrum) -> Float[Tensor, "bands columns"]:
    """The matrix that `mel_spectrogram` multiplies with, from filters such as `earmark.dsp.mel.mel_filters`.

    Magnitudes have one column for each FFT bin. Power has two, for the squares of the real and the imaginary part.
    """
    return filters.repeat_interleave(2, dim=1) if spectrum == "power" else filters


def spans(weights: Float[Tensor, "bands columns"]) -> tuple[Span, ...]:
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
    weights: Float[Tensor, "bands columns"],
    groups: tuple[Span, ...],
    spectrum: Spectrum = "power",
) -> Float[Tensor, "batch bands time"]:
    """Power or magnitude in mel (or any other) bands, of centred frames with zeros beyond the ends.

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

    def fold(frames: Tensor, keep: bool) -> Tensor:
        return into_bands(_columns(frames * window, spectrum, keep), weights, groups, keep)

    return folded(waves, lengths, window.shape[0], hop_samples, weights.shape[0], fold)


def spectrogram(
    waves: Float[Tensor, "batch samples"],
    lengths: Int[Tensor, " batch"],
    hop_samples: int,
    window: Float[Tensor, " n_fft"],
    spectrum: Spectrum = "magnitude",
) -> Float[Tensor, "batch freq time"]:
    """Power or magnitude in every FFT bin, ``n_fft // 2 + 1`` of them; the arguments are those of `mel_spectrogram`."""

    def fold(frames: Tensor, keep: bool) -> Tensor:
        columns = _columns(frames * window, spectrum, keep)
        if spectrum == "power":
            columns = columns[..., 0::2] + columns[..., 1::2]
        return columns.transpose(-1, -2)

    n_fft = window.shape[0]
    return folded(waves, lengths, n_fft, hop_samples, n_fft // 2 + 1, fold)


def into_bands(
    columns: Float[Tensor, "*batch time columns"],
    weights: Float[Tensor, "bands columns"],
    groups: tuple[Span, ...],
    keep: bool,
) -> Float[Tensor, "*batch bands time"]:
    """The columns summed with the weights.

    Args:
        columns: of one clip, where it is on a CPU and no gradient is kept.
        weights: zero outside the groups.
        groups: `spans` of the weights.
        keep: whether a gradient will be asked for.
    """
    if keep or columns.device.type != "cpu":
        return (columns @ weights.T).transpose(-1, -2)
    bands = columns.new_empty(weights.shape[0], columns.shape[0])
    for band, end_band, first, end in groups:
        torch.mm(weights[band:end_band, first:end], columns[:, first:end].T, out=bands[band:end_band])
    return bands


def _columns(windowed: Tensor, spectrum: Spectrum, keep: bool) -> Tensor:
    """What the weights are for: [..., columns]; ``keep`` leaves what a gradient needs, and takes longer."""
    spectra: Tensor = torch.fft.rfft(windowed)
    if keep and spectrum == "magnitude":
        return spectra.abs()  # Unlike a square root, it has a gradient at zero.
    parts = torch.view_as_real(spectra)
    parts = parts.square() if keep else parts.square_()
    return parts.flatten(-2) if spectrum == "power" else (parts[..., 0] + parts[..., 1]).sqrt_()
