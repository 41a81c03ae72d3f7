"""Filters by their magnitude response: they change how loud each frequency is and delay none (zero phase).

Frequencies are in Hz and slopes in dB an octave. A response is given on the ``grid_hz`` of a rate: at least one value
every 10 Hz, from 0 to half the rate. What changes faster along frequency than that is smoothed.
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import torch
from jaxtyping import Float, Int
from scipy.fft import next_fast_len
from torch import Tensor
from torch.nn import functional

from earmark.dsp.clipwise import clipwise, rows_for_fft

BiquadShape = Literal["peak", "low_shelf", "high_shelf"]
SHAPES: tuple[BiquadShape, ...] = ("peak", "low_shelf", "high_shelf")
"""In the order in which they are counted."""

_RESOLUTION_HZ = 10.0
_DB_PER_OCTAVE = 20.0 * math.log10(2.0)


def n_taps(rate_hz: float) -> int:
    """Samples of the impulse response of a filter.

    >>> n_taps(44100.0), n_taps(8000.0)
    (8192, 1024)
    """
    return 1 << max(1, math.ceil(math.log2(rate_hz / _RESOLUTION_HZ)))


def grid_hz(rate_hz: float, device: torch.device | None = None) -> Float[Tensor, " freq"]:
    """The frequencies at which a response is given."""
    n = n_taps(rate_hz)
    return torch.arange(n // 2 + 1, dtype=torch.float32, device=device) * (rate_hz / n)


def filtered(
    waves: Float[Tensor, "batch samples"], lengths: Int[Tensor, " batch"], response: Float[Tensor, "batch freq"]
) -> Float[Tensor, "batch samples"]:
    """Each clip with its own response, cut to its length.

    The response becomes a symmetric impulse response with a Hann window over it, and the waves are folded with that.
    They are padded with zeros for it, so nothing comes round from the other end and a clip sounds the same alone as in
    a batch, whatever the size of the FFT.

    Args:
        waves: zero behind the length of each clip; any number of samples.
        lengths: samples of signal.
        response: factors of amplitude on the `grid_hz` of the rate.
    """
    half = response.shape[1] - 1
    # Counted from its middle: the first half of the impulse response lies at the end.
    taper = torch.arange(-half, half, dtype=torch.float32, device=waves.device).mul_(math.pi / half).cos_().add_(1.0)
    taps = torch.fft.irfft(response, n=2 * half).roll(half, dims=1) * (taper * 0.5)
    return clipwise(
        lambda part, some: _through(part, taps[some.rows]), waves, lengths, n_rows=rows_for_fft(waves.shape[1])
    )


def _through(waves: Tensor, taps: Tensor) -> Tensor:
    """Waves folded with symmetric taps [batch, 2 half], of which the middle one lies at ``half``."""
    n_samples, half = waves.shape[1], taps.shape[1] // 2
    n = next_fast_len(max(n_samples, half) + half, real=True)
    # A symmetric impulse response around time 0 has a real spectrum.
    spectrum = torch.fft.rfft(functional.pad(taps, (0, n - 2 * half)).roll(-half, dims=1)).real
    parts = torch.view_as_real(torch.fft.rfft(waves, n=n)) * spectrum[..., None]
    made: Tensor = torch.fft.irfft(torch.view_as_complex(parts), n=n)
    return made[:, :n_samples]


class Band(NamedTuple):
    """Where bands begin and end [batch], how steeply, and whether it is what lies outside that passes."""

    low_hz: Tensor
    high_hz: Tensor
    slope_db: Tensor
    stops: Tensor


def band_response(hz: Float[Tensor, " freq"], band: Band) -> Float[Tensor, "batch freq"]:
    """The magnitude of a Butterworth high-pass and low-pass in a row, or what these two take away (in power).

    Each edge is 3 dB down, and beyond it the level falls by the slope; a slope need not be a multiple of 6 dB.

    Args:
        hz: frequencies from 0 up.
        band: the lower edge 0 where there is none, the higher one infinite; slopes above 0.
    """
    exponents = (2.0 * band.slope_db / _DB_PER_OCTAVE)[:, None]
    octaves = hz.clamp(min=1e-3).log()
    # What is far beyond an edge is silenced by 170 dB and no more: then no product leaves the range of float32.
    above, below = (
        (exponents * distance).clamp(-40.0, 40.0).exp()
        for distance in (octaves - band.high_hz.log()[:, None], band.low_hz.log()[:, None] - octaves)
    )
    passed = 1.0 / ((1.0 + above) * (1.0 + below))
    power: Tensor = torch.where(band.stops[:, None], (above + below + above * below) * passed, passed)
    return power.sqrt()


class Biquads(NamedTuple):
    """Filters of second order: shape as counted in `SHAPES`, frequency, gain and quality, all of one shape [...]."""

    shapes: Tensor
    hz: Tensor
    gain_db: Tensor
    quality: Tensor


def biquad_response(hz: Float[Tensor, " freq"], biquads: Biquads, rate_hz: float) -> Float[Tensor, "... freq"]:
    """The magnitudes of peaking and shelving filters (R. Bristow-Johnson, Audio EQ Cookbook).

    Args:
        hz: frequencies from 0 to half the rate, on the device where the response is wanted.
        biquads: on the CPU, for their coefficients need float64.
        rate_hz: samples in a second.
    """
    squares = (torch.sin(hz * (math.pi / rate_hz))).square()
    over, under = (
        (first + squares * (second + squares * third)).clamp(min=0.0)
        for first, second, third in (_in_squares(part, hz.device) for part in _coefficients(biquads, rate_hz))
    )
    power: Tensor = over / under
    return power.sqrt()


def _in_squares(part: Tensor, device: torch.device) -> Tensor:
    """|b0 + b1/z + b2/z²|² as a polynomial in sin²(w/2): unlike the sum itself, it keeps its digits at low notes."""
    b0, b1, b2 = part.unbind(-1)
    factors = torch.stack([(b0 + b1 + b2).square(), -4.0 * (b0 * b1 + 4.0 * b0 * b2 + b1 * b2), 16.0 * b0 * b2])
    return factors.to(torch.float32).to(device, non_blocking=True)[..., None]


def _coefficients(biquads: Biquads, rate_hz: float) -> tuple[Float[Tensor, "... 3"], Float[Tensor, "... 3"]]:
    """What stands above and below the line, by the cookbook."""
    shapes, hz, gain_db, quality = (part.double() for part in biquads)
    a, w = 10.0 ** (gain_db / 40.0), hz * (2.0 * math.pi / rate_hz)
    alpha, c = w.sin() / (2.0 * quality), w.cos()
    peak = (
        torch.stack([1.0 + alpha * a, -2.0 * c, 1.0 - alpha * a], dim=-1),
        torch.stack([1.0 + alpha / a, -2.0 * c, 1.0 - alpha / a], dim=-1),
    )
    # A high shelf is a low one seen from the other end, where the cosine has the other sign.
    side = torch.where(shapes == SHAPES.index("high_shelf"), -1.0, 1.0)
    more, less, bend = a + 1.0, a - 1.0, 2.0 * a.sqrt() * alpha
    sc = side * c
    over = (a * (more - less * sc + bend), side * 2.0 * a * (less - more * sc), a * (more - less * sc - bend))
    under = (more + less * sc + bend, side * -2.0 * (less + more * sc), more + less * sc - bend)
    is_peak = (shapes == SHAPES.index("peak"))[..., None]
    return (
        torch.where(is_peak, peak[0], torch.stack(over, dim=-1)),
        torch.where(is_peak, peak[1], torch.stack(under, dim=-1)),
    )
