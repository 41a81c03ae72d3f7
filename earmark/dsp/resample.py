"""Waves read at another speed, each clip at its own: pitch and length change together.

Waves are [batch, samples]. A factor of 1.1 reads a clip 1.1 times as fast: sample ``t`` of the result is what the wave
is at ``1.1 t``, a clip of n samples becomes one of ``n / 1.1``, and every frequency rises by 1.1. Factors are numbers
on the CPU, so the host knows them and never asks the device. Places are fixed-point numbers in 64 bits with 32 of them
behind the point: as exact at the end of a long clip as at its beginning, on devices without float64 as well.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
import soxr
import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from earmark.dsp.clipwise import Some, all_at_once, clipwise
from earmark.dsp.precision import in_full

Interpolation = Literal["sinc", "linear", "nearest"]

_ONE = 1 << 32
# Half the length of the windowed sinc in zero crossings, the share of the band that passes, and the window's shape.
_N_ZEROS = 24
_PASS = 0.945
_KAISER_BETA = 8.0
# Where in an interval between two samples the kernel is worked out; polynomials through these add an error of -90 dB.
_N_NODES = 6
_NODES = 0.5 - 0.5 * np.cos((np.arange(_N_NODES) + 0.5) * np.pi / _N_NODES)
_THROUGH_NODES = np.linalg.inv(np.vander(2 * _NODES - 1, increasing=True))


def n_resampled(lengths: Int[Tensor, " batch"], factors: Float[Tensor, " batch"]) -> Int[Tensor, " batch"]:
    """How many samples clips have after `resample`: as many places as lie in the clip, so at least one.

    >>> n_resampled(torch.tensor([100, 100, 1]), torch.tensor([2.0, 0.5, 3.0])).tolist()
    [50, 200, 1]
    """
    step = _steps(factors).to(lengths.device, non_blocking=True)
    return (lengths * _ONE + step - 1) // step


def resample(
    waves: Float[Tensor, "batch samples"],
    lengths: Int[Tensor, " batch"],
    factors: Float[Tensor, " batch"],
    n_out: int,
    interpolation: Interpolation = "sinc",
) -> Float[Tensor, "batch n_out"]:
    """Each wave read faster or slower by its factor; zeros behind the samples that `n_resampled` counts.

    Args:
        waves: zero behind the length of each clip.
        lengths: samples of signal, from 1 on.
        factors: above 0, on the CPU.
        n_out: how long the result is; what does not fit is cut.
        interpolation: ``sinc`` is band-limited, and when sped up takes out what would lie above the new half rate. On
            a CPU it is soxr at its high quality, which is four times as fast as what torch can do there; elsewhere,
            and where a gradient is wanted, a windowed sinc of 48 taps (more when sped up). The two agree within
            -85 dB up to three quarters of the band, and both are flat that far; at 0.957 and at 0.945 of the band they
            have lost 6 dB.
            ``linear`` draws lines between samples, ``nearest`` takes the sample before; both alias.
    """
    library = interpolation == "sinc" and not all_at_once(waves)

    def read(part: Tensor, some: Some) -> Tensor:
        if library:
            return _by_soxr(part, float(factors[some.rows.start]), some.n)
        return _resampled(part, factors[some.rows], some.n, interpolation)

    return clipwise(read, waves, lengths, counts=n_resampled(lengths, factors), n_out=n_out)


def _by_soxr(wave: Float[Tensor, "1 samples"], factor: float, n_out: int) -> Float[Tensor, "1 n_out"]:
    """One wave by the library, which may leave out the last place; behind some zeros that is not the last any more."""
    longer = functional.pad(wave[0].detach(), (0, math.ceil(factor)))
    made: NDArray[np.float32] = soxr.resample(longer.numpy(), factor, 1.0, quality="HQ")
    return torch.from_numpy(made[None, :n_out])


def _steps(factors: Tensor) -> Tensor:
    return (factors.double() * _ONE).round().long()


def _resampled(waves: Tensor, factors: Tensor, n_out: int, interpolation: Interpolation) -> Tensor:
    """The waves at ``n_out`` places each, without regard to lengths."""
    steps = _steps(factors).to(waves.device, non_blocking=True)
    places = torch.arange(n_out, device=waves.device) * steps[:, None]
    before = (places >> 32).clamp_(max=waves.shape[1] - 1)
    if interpolation == "nearest":
        return waves.gather(1, before)
    share = (places & (_ONE - 1)).to(waves.dtype).mul_(1.0 / _ONE)
    if interpolation == "linear":
        ended = functional.pad(waves, (0, 1))
        return torch.lerp(waves.gather(1, before), ended.gather(1, before + 1), share)
    kernels = _kernels(factors).to(waves.device, waves.dtype, non_blocking=True)
    return _at(_planes(waves, kernels), before, share.mul_(2.0).sub_(1.0))


def _kernels(factors: Tensor) -> Float[Tensor, "batch powers taps"]:
    """For each tap of a low-pass the polynomial in ``2 share - 1`` that says how much of a sample is taken.

    ``share`` says where between two samples the place is; C. W. Farrow (1988) has this form of a filter.
    """
    factor = factors.double().numpy()[:, None, None]
    cutoff = _PASS / np.maximum(factor, 1.0)
    reach = _N_ZEROS * np.maximum(factor, 1.0)
    half = math.ceil(reach.max())
    away = np.arange(1 - half, half + 1) - _NODES[:, None]
    window = np.i0(_KAISER_BETA * np.sqrt(np.clip(1.0 - (away / reach) ** 2, 0.0, None))) * (np.abs(away) < reach)
    kernel = np.sinc(cutoff * away) * window
    kernel /= kernel.sum(axis=2, keepdims=True)
    return torch.from_numpy(_THROUGH_NODES @ kernel)


def _planes(waves: Tensor, kernels: Tensor) -> Float[Tensor, "batch powers samples"]:
    """The coefficients of each polynomial at every sample: all clips filtered at once, each with its own kernels."""
    n, (n_powers, n_taps) = waves.shape[0], kernels.shape[1:]
    padded = functional.pad(waves, (n_taps // 2 - 1, n_taps // 2))
    with in_full(waves.device):
        return functional.conv1d(padded, kernels.flatten(0, 1)[:, None], groups=n).view(n, n_powers, -1)


def _at(planes: Tensor, before: Tensor, share: Tensor) -> Tensor:
    """The polynomials at their places, by Horner's rule."""
    value = planes[:, -1].gather(1, before)
    for power in range(planes.shape[1] - 2, -1, -1):
        value = torch.addcmul(planes[:, power].gather(1, before), value, share)
    return value
