"""Noise whose power falls or rises with frequency as 1 / f^a, and how much of it is heard beside a signal.

Exponents a: 0 white, 1 pink, 2 brown (red), -1 blue, -2 violet. Levels in dB. Below 20 Hz there is no coloured noise,
so that no level is spent on what nobody hears.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float, Int, Int32
from torch import Tensor

from earmark.dsp.clipwise import Some, clipwise
from earmark.dsp.hashed import normal
from earmark.dsp.padding import padding_zeroed

COLOURS = {"white": 0.0, "pink": 1.0, "brown": 2.0, "blue": -1.0, "violet": -2.0}
"""The exponents that have names."""

_BLOCK = 1 << 14
_HOP = _BLOCK // 2
_LOWEST_HZ = 20.0


def coloured(
    seeds: Int32[Tensor, "batch 2"], exponents: Float[Tensor, " batch"], n: int, rate_hz: float
) -> Float[Tensor, "batch n"]:
    """Normal noise of power 1 (as expected; what comes is a little more or less) whose spectrum falls as 1 / f^a.

    Blocks of 16384 samples with a drawn spectrum each fade into one another, half overlapping, by windows whose
    squares add up to 1. They do not depend on ``n``, so a clip has the same noise in every batch.

    Args:
        seeds: see `earmark.dsp.hashed`.
        exponents: a, the steepness.
        n: how many samples.
        rate_hz: samples in a second.
    """
    gains = _gains(exponents, rate_hz)
    n_blocks = 1 + -(-n // _HOP)
    drawn = normal(seeds, n_blocks * _BLOCK).view(seeds.shape[0], n_blocks, _HOP, 2)
    # Where the spectrum would have its constant part lies the first of what is drawn, with a gain of 0.
    spectra = torch.view_as_complex(drawn * gains[:, None, :, None])
    moments = torch.arange(_BLOCK, dtype=torch.float32, device=seeds.device)
    blocks = torch.fft.irfft(spectra, n=_BLOCK) * torch.sin((moments + 0.5) * (math.pi / _BLOCK))
    faded: Tensor = blocks[:, 1:, :_HOP] + blocks[:, :-1, _HOP:]
    return faded.flatten(1)[:, :n]


def _gains(exponents: Float[Tensor, " batch"], rate_hz: float) -> Float[Tensor, "batch freq"]:
    """Amplitudes from 0 Hz to just below half the rate, for blocks of power 1."""
    hz = torch.arange(_HOP, dtype=torch.float32, device=exponents.device) * (rate_hz / _BLOCK)
    lowest_hz = min(_LOWEST_HZ, rate_hz / 8)
    slopes = torch.exp((hz.clamp(min=lowest_hz) / lowest_hz).log() * (-exponents[:, None] / 2))
    gains = slopes.masked_fill(hz < lowest_hz, 0.0)
    return gains * (_HOP / gains.square().sum(dim=1, keepdim=True).sqrt())


def with_noise(
    waves: Float[Tensor, "batch samples"],
    lengths: Int[Tensor, " batch"],
    seeds: Int32[Tensor, "batch 2"],
    exponents: Float[Tensor, " batch"] | None,
    snr_db: Float[Tensor, " batch"],
    rate_hz: float,
) -> Float[Tensor, "batch samples"]:
    """The waves with noise added, at exactly this ratio of signal to noise power over each clip.

    A silent clip has no power to compare with and stays silent.

    Args:
        waves: zero behind the length of each clip.
        lengths: samples of signal, from 1 on.
        seeds: see `earmark.dsp.hashed`.
        exponents: see `coloured`; None for plain white noise, each sample for itself, which takes less time.
        snr_db: signal above noise.
        rate_hz: samples in a second.
    """

    def noisy(part: Tensor, some: Some) -> Tensor:
        own, n = seeds[some.rows], part.shape[1]
        noise = normal(own, n) if exponents is None else coloured(own, exponents[some.rows], n, rate_hz)
        noise = noise if some.lengths is None else padding_zeroed(noise, some.lengths)
        return _added(part, noise, snr_db[some.rows])

    return clipwise(noisy, waves, lengths)


def _added(waves: Tensor, noise: Tensor, snr_db: Tensor) -> Tensor:
    signal, other = (each.square().sum(dim=1) for each in (waves, noise))
    scale = (signal / other.clamp(min=1e-20)).sqrt() * 10.0 ** (-snr_db / 20.0)
    return torch.addcmul(waves, noise, scale[:, None])
