"""From spectrograms back to waves, to be listened to: phases that fit magnitudes are looked for.

Magnitudes are [batch, freq, time], waves [batch, samples]; frames are centred with zeros beyond the ends, as in
`earmark.dsp.stft`.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def unfolded(
    bands: Float[Tensor, "batch mels time"], filters: Float[Tensor, "mels freq"], n_rounds: int = 50
) -> Float[Tensor, "batch freq time"]:
    """A spectrum, from 0 up, whose bands come near these: least squares after
    D. D. Lee and H. S. Seung (2001)."""
    towards = filters.T @ bands
    spectrum = towards.clone()
    for _ in range(n_rounds):
        spectrum = spectrum * towards / (filters.T @ (filters @ spectrum)).clamp(min=1e-30)
    return spectrum


def griffin_lim(
    magnitude: Float[Tensor, "batch freq time"],
    window: Float[Tensor, " n_fft"],
    hop_samples: int,
    n_samples: int,
    n_rounds: int = 32,
    momentum: float = 0.99,
) -> Float[Tensor, "batch samples"]:
    """Waves whose spectrum has about these magnitudes.

    D. W. Griffin and J. S. Lim (1984), with the momentum of N. Perraudin, P. Balazs and P. L. Søndergaard (2013). The
    first phases are drawn from a fixed seed, so the result is the same every time.

    Args:
        n_samples: how long the waves shall be.
        n_rounds: how often phases are corrected.
        momentum: how far each correction is carried on, from 0.
    """
    n_fft = window.shape[0]
    turns = torch.rand(magnitude.shape, generator=torch.Generator().manual_seed(0)).to(magnitude.device)
    phases = torch.polar(torch.ones_like(magnitude), 2 * torch.pi * turns)
    before = torch.zeros_like(phases)

    def wave() -> Tensor:
        return torch.istft(magnitude * phases, n_fft, hop_samples, window=window, center=True, length=n_samples)

    for _ in range(n_rounds):
        spectrum = torch.stft(
            wave(), n_fft, hop_samples, window=window, center=True, pad_mode="constant", return_complex=True
        )
        ahead = spectrum + momentum / (1 + momentum) * (spectrum - before)
        phases = ahead / ahead.abs().clamp(min=1e-12)
        before = spectrum
    return wave()
