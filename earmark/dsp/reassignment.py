"""Where the energy of an FFT bin really lies: its frequency and its time, read from phase.

A bin of a frame tells frequency to about one bin and time to about one window. How phase turns from frame to frame
and from bin to bin tells both much more finely. The derivatives need no second frame: they are ratios of spectra with
other windows (F. Auger and P. Flandrin, "Improving the readability of time-frequency and time-scale representations by
the reassignment method", 1995).
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from earmark.dsp.framewise import folded
from earmark.dsp.mel import MelScale, mel_corners, mel_filters
from earmark.dsp.spectrogram import Span, into_bands, spans

Quantity = Literal["instantaneous_frequency", "group_delay"]


class Bands(NamedTuple):
    """Mel bands to which bins contribute by their power."""

    sums: Float[Tensor, "mels freq"]
    """How much each bin counts in each band."""
    offsets: Float[Tensor, "mels freq"]
    """The same times how far the bin lies above the band's centre, in half widths of the band."""
    per_bin: Float[Tensor, "mels 1"]
    """Half widths of the band that a bin is."""
    groups: tuple[Span, ...]


def other_window(window: Float[Tensor, " n_fft"], hop_samples: int, quantity: Quantity) -> Float[Tensor, " n_fft"]:
    """The window whose spectrum, next to that of ``window``, tells how far a frame's energy lies from the bin.

    Args:
        window: a window in the middle of the FFT.
        hop_samples: samples from one frame to the next.
        quantity: ``instantaneous_frequency``, for which it is the derivative, scaled so that bins come out; or
            ``group_delay``, for which it is time from the centre times the window, scaled so that hops do.
    """
    n_fft, taps = window.shape[0], window.double()
    if quantity == "group_delay":
        found = taps * (torch.arange(n_fft) - n_fft // 2) / hop_samples
    else:
        found = (taps.roll(-1) - taps.roll(1)) * (0.5 * n_fft / (2 * math.pi))
    return found.to(torch.float32)


def phase_bands(
    rate_hz: float, n_fft: int, n_mels: int, fmin_hz: float, fmax_hz: float, scale: MelScale = "slaney"
) -> Bands:
    """Bands as `earmark.dsp.mel.mel_filters` has them; its arguments, and what it raises."""
    filters = mel_filters(rate_hz, n_fft, n_mels, fmin_hz, fmax_hz, scale, area_norm=False)
    corners = mel_corners(n_mels, fmin_hz, fmax_hz, scale) * (n_fft / rate_hz)
    half_width = (corners[2:] - corners[:-2])[:, None] / 2
    above = (torch.arange(n_fft // 2 + 1) - corners[1:-1, None]) / half_width
    return Bands(filters, (filters * above).to(torch.float32), (1 / half_width).to(torch.float32), spans(filters))


def deviation(
    waves: Float[Tensor, "batch samples"],
    lengths: Int[Tensor, " batch"],
    hop_samples: int,
    window: Float[Tensor, " n_fft"],
    other: Float[Tensor, " n_fft"],
    quantity: Quantity,
    bands: Bands | None = None,
    floor: float = 1e-6,
    limit: float | None = None,
) -> Float[Tensor, "batch bands time"]:
    """How far the energy of each bin lies from the bin, or that of each band from the band; 0 where it is silent.

    Bins give frequency in bins above the bin, or time in hops behind the middle of the frame. A mel band gives the mean
    over its bins, weighted by their power, of their frequency above the band's centre, in half widths of the band, or
    of their time. (The mean of the bins' own deviations would not do for frequency: around a tone they cancel.)

    Args:
        waves: zero behind the length of each clip.
        lengths: samples of signal, from 1 on.
        hop_samples: samples from one frame to the next.
        window: as long as the FFT, on the device of the waves.
        other: `other_window` of it for this quantity, on the device of the waves.
        quantity: what is told.
        bands: `phase_bands`, on the device of the waves; None for every bin.
        floor: power at which what is told is half of what it would be; it keeps silence finite, gradients too.
        limit: what lies further away counts as this far; between two sounds a ratio may be anything.
    """
    n_bands = window.shape[0] // 2 + 1 if bands is None else bands.sums.shape[0]

    def fold(frames: Tensor, keep: bool) -> Tensor:
        spectra, others = torch.fft.rfft(frames * window), torch.fft.rfft(frames * other)
        power = spectra.real.square() + spectra.imag.square()
        if quantity == "group_delay":
            moment = others.real * spectra.real + others.imag * spectra.imag
        else:
            moment = others.real * spectra.imag - others.imag * spectra.real
        if bands is None:
            moment, power = moment.transpose(-1, -2), power.transpose(-1, -2)
        else:
            moment = into_bands(moment, bands.sums, bands.groups, keep)
            if quantity == "instantaneous_frequency":
                moment = moment * bands.per_bin + into_bands(power, bands.offsets, bands.groups, keep)
            power = into_bands(power, bands.sums, bands.groups, keep)
        away: Tensor = moment / (power + floor)
        return away if limit is None else away.clamp(-limit, limit)

    return folded(waves, lengths, window.shape[0], hop_samples, n_bands, fold)
