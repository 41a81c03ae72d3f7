"""The constant-Q transform: bins at equal distances in pitch, each as sharp as it is high.

A bin looks at the same number of periods of its frequency, so low ones look at long stretches of sound. An octave down
the same stretch has as few samples at half the rate: the wave is halved again and again, and each octave is taken at
the lowest rate that does it no harm (C. Schörkhuber and A. Klapuri, "Constant-Q transform toolbox for music
processing", 2010). There, frames times kernels is one small matrix product; nothing is thrown away to make it sparse.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from earmark.core.errors import SettingsError
from earmark.dsp.clipwise import clipwise
from earmark.dsp.half_band import MARGIN, halved
from earmark.dsp.stft import WindowName, n_frames

# The cosines that windows are sums of, and how wide a band of noise each lets through, in bins of its length
# (F. J. Harris, "On the use of windows for harmonic analysis with the discrete Fourier transform", 1978).
_COSINES = {"hann": (0.5, 0.5), "hamming": (0.54, 0.46), "blackman": (0.42, 0.5, 0.08)}
_NOISE_BINS = {"hann": 1.50, "hamming": 1.363, "blackman": 1.727}
# So many bins of its length away, a Hann window lets through -93 dB: what halving folds must lie beyond.
_FAR_BINS = 24
_SAFE_BAND = 0.44
# Far below any sound; the direction of smaller complex numbers, which is the gradient of magnitude, is not a number.
_TINY = 1e-30


class Octave(NamedTuple):
    """The bins that are taken at one rate, and when their frames begin.

    Where the hop is no whole number of samples at that rate, frames of several phases take turns, and each phase has
    kernels that lie as much later as its frames should.
    """

    n_halvings: int
    """How often the rate is halved first."""
    step: int
    """Samples from a frame to the next of the same phase, at that rate."""
    starts: tuple[int, ...]
    """Where the first frame of each phase begins, at that rate; 0 is the first sample of the clip."""
    kernels: Float[Tensor, "phases samples parts"]
    """Real and imaginary part of each bin, one after the other, of each phase; float32."""


def bins_hz(
    rate_hz: float,
    fmin_hz: float,
    n_bins: int,
    bins_per_octave: int,
    filter_scale: float = 1.0,
    window: WindowName = "hann",
) -> list[float]:
    """The frequencies of the bins, from the lowest on; the arguments are those of `octaves`.

    Raises:
        SettingsError: the highest bin reaches beyond half the rate.

    >>> [round(hz) for hz in bins_hz(16000.0, 110.0, 3, 1)]
    [110, 220, 440]
    """
    hz = [fmin_hz * 2.0 ** (place / bins_per_octave) for place in range(n_bins)]
    reach = 1.0 + 0.5 * _NOISE_BINS[window] / _periods(bins_per_octave, filter_scale)
    if hz[-1] * reach > rate_hz / 2:
        fitting = sum(each * reach <= rate_hz / 2 for each in hz)
        todo = f"take at most {fitting} bins" if fitting else "start lower"
        raise SettingsError(
            f"{n_bins} bins from {fmin_hz:g} Hz, {bins_per_octave} to an octave, reach up to {hz[-1] * reach:.0f} Hz, "
            f"but audio at {rate_hz:g} Hz has nothing above {rate_hz / 2:g} Hz; {todo}"
        )
    return hz


def octaves(
    rate_hz: float,
    hop_samples: int,
    fmin_hz: float,
    n_bins: int,
    bins_per_octave: int,
    filter_scale: float = 1.0,
    window: WindowName = "hann",
) -> tuple[Octave, ...]:
    """The kernels of all bins, from the lowest frequency to the highest.

    Args:
        rate_hz: samples in a second.
        hop_samples: samples from one frame to the next.
        fmin_hz: frequency of the lowest bin.
        n_bins: how many bins.
        bins_per_octave: how many bins to an octave.
        filter_scale: how many times the periods that just tell a bin from its neighbours a bin looks at; below 1 time
            is sharper and pitch less so.
        window: the shape of the kernels.

    Raises:
        SettingsError: the highest bin reaches beyond half the rate.
    """
    hz = bins_hz(rate_hz, fmin_hz, n_bins, bins_per_octave, filter_scale, window)
    periods = _periods(bins_per_octave, filter_scale)
    least_rates = [each * (1.0 + _FAR_BINS / periods) / _SAFE_BAND for each in hz]
    halvings = [max(0, math.floor(math.log2(rate_hz / each))) for each in least_rates]
    return tuple(
        _octave(n, [f for f, own in zip(hz, halvings, strict=True) if own == n], rate_hz, hop_samples, periods, window)
        for n in sorted(set(halvings), reverse=True)
    )


def _periods(bins_per_octave: int, filter_scale: float) -> float:
    """How many periods of its frequency a bin looks at."""
    up: float = 2.0 ** (2.0 / bins_per_octave)
    return filter_scale * (up + 1.0) / (up - 1.0)


def _octave(
    n_halvings: int, hz: list[float], rate_hz: float, hop_samples: int, periods: float, window: WindowName
) -> Octave:
    """Kernels are windowed complex oscillations around the middle of the frame. A tone of amplitude 1 drives one to
    half the root of the samples it lasts at the full rate: then white noise comes out as loud in every bin."""
    ratio = 2**n_halvings
    n_phases = ratio // math.gcd(ratio, hop_samples)
    own_hz = torch.tensor(hz, dtype=torch.float64) * (ratio / rate_hz)  # In turns a sample of the lower rate.
    n_samples = periods / own_hz
    half = math.ceil(float(n_samples.max()) / 2 + 0.5)
    places = [divmod(phase * hop_samples, ratio) for phase in range(n_phases)]
    later = torch.tensor([rest / ratio for _, rest in places], dtype=torch.float64)
    time = (torch.arange(-half, half + 2) - later[:, None])[:, :, None]  # [phases, samples, bins]
    turns = time / n_samples
    weights = sum(c * torch.cos(2 * math.pi * k * turns) for k, c in enumerate(_COSINES[window]))
    weights = weights * (n_samples / 2 + 0.5 - time.abs()).clamp(0.0, 1.0)  # Samples at the ends count in part.
    weights = weights * ((n_samples * ratio).sqrt() / weights.sum(1, keepdim=True))
    parts = torch.view_as_real(torch.polar(weights, -2 * math.pi * own_hz * time)).flatten(-2)
    starts = tuple(place - half for place, _ in places)
    return Octave(n_halvings, n_phases * hop_samples // ratio, starts, parts.to(torch.float32))


def constant_q(
    waves: Float[Tensor, "batch samples"],
    lengths: Int[Tensor, " batch"],
    hop_samples: int,
    parts: tuple[Octave, ...],
    matrix: Float[Tensor, "block_and_taps block"],
) -> Float[Tensor, "batch bins time"]:
    """Magnitudes of the transform, of centred frames with zeros beyond the ends; ``librosa.cqt`` without tuning.

    The frames of a clip do not depend on what else is in the batch, and frames behind its length are exactly zero.

    Args:
        waves: zero behind the length of each clip.
        lengths: samples of signal, from 1 on.
        hop_samples: samples from one frame to the next.
        parts: `octaves`, with kernels on the device of the waves.
        matrix: `earmark.dsp.half_band.half_band_matrix`, on the device of the waves.
    """
    n_bins = sum(octave.kernels.shape[-1] for octave in parts) // 2
    return clipwise(
        lambda part, some: _magnitudes(part, hop_samples, parts, matrix),
        waves, lengths, counts=n_frames(lengths, hop_samples), n_out=n_frames(waves.shape[1], hop_samples),
        shape=(n_bins,),
    )  # fmt: skip


def _magnitudes(waves: Tensor, hop_samples: int, parts: tuple[Octave, ...], matrix: Tensor) -> Tensor:
    """[batch, bins, time] of waves that are signal throughout."""
    n = n_frames(waves.shape[-1], hop_samples)
    waves, n_halvings, found = functional.pad(waves, (MARGIN, MARGIN)), 0, []
    for octave in reversed(parts):
        while n_halvings < octave.n_halvings:
            waves, n_halvings = halved(waves, matrix), n_halvings + 1
        found.append(_of_octave(waves, octave, n))
    return torch.cat(found[::-1], dim=1)


def _of_octave(waves: Tensor, octave: Octave, n: int) -> Tensor:
    """[batch, bins, time] of waves at the octave's rate, with their margin."""
    n_phases, n_samples, _ = octave.kernels.shape
    n_turns = -(-n // n_phases)
    before = max(0, -octave.starts[0] - MARGIN)
    end = octave.starts[-1] + (n_turns - 1) * octave.step + n_samples
    waves = functional.pad(waves, (before, max(0, end + MARGIN - waves.shape[-1])))
    phases = []
    for start, kernels in zip(octave.starts, octave.kernels, strict=True):
        first = start + before + MARGIN
        frames = waves[:, first : first + (n_turns - 1) * octave.step + n_samples].unfold(-1, n_samples, octave.step)
        phases.append(frames @ kernels)
    bins = functional.hardshrink(torch.stack(phases, dim=2).flatten(1, 2)[:, :n], _TINY)
    # Unlike that of a square root, the gradient of a complex number's magnitude is known at zero.
    return torch.view_as_complex(bins.reshape(*bins.shape[:-1], -1, 2)).abs().transpose(-1, -2)
