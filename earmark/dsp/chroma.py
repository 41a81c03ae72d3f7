"""Pitch classes: filters that map FFT bins to the notes of the scale, whatever the octave.

Pitch classes are numbered from C upwards; A is at 440 Hz.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from earmark.core.errors import SettingsError

_LOWEST_A_HZ = 27.5
# Octaves count by a Gaussian around 880 Hz, two octaves wide.
_MIDDLE_OCTAVE, _OCTAVES_WIDE = 5.0, 2.0
# Power below anything that is heard, and above what float32 cannot divide by.
_SILENT = 1e-30


def chroma_filters(rate_hz: float, n_fft: int, n_chroma: int = 12) -> Float[Tensor, "chroma freq"]:
    """Gaussian bumps around each pitch class in every octave, as a matrix that maps FFT bins to pitch classes.

    Low down, where FFT bins are more than a pitch class apart, bumps are as wide as the bins. The weights of a bin have
    a Euclidean norm of 1 in the middle octaves, and less far from them. Computed in float64, given in float32; agrees
    with ``librosa.filters.chroma`` (after D. Ellis, "Chroma feature analysis and synthesis", 2007).

    Args:
        rate_hz: samples in a second.
        n_fft: samples of the FFT.
        n_chroma: pitch classes in an octave, a multiple of 12.

    Raises:
        SettingsError: the number of pitch classes is no multiple of 12.
    """
    if n_chroma < 12 or n_chroma % 12:
        raise SettingsError(f"an octave has 12 pitch classes or a multiple of 12, got {n_chroma}; take 12, 24 or 36")
    n_bins = n_fft // 2 + 1
    hz = torch.arange(1, n_bins + 1, dtype=torch.float64) * (rate_hz / n_fft)
    pitch = n_chroma * torch.log2(hz / _LOWEST_A_HZ)
    # 0 Hz has no pitch: it counts as half an octave off the first bin's class, and so low that it hardly counts.
    pitch = torch.cat([pitch[:1] - 1.5 * n_chroma, pitch])
    width = pitch.diff().clamp(min=1.0)
    pitch = pitch[:n_bins]
    away = torch.remainder(pitch - torch.arange(n_chroma)[:, None] + n_chroma // 2, n_chroma) - n_chroma // 2
    filters = functional.normalize(torch.exp(-0.5 * (2.0 * away / width) ** 2), dim=0)
    filters = filters * torch.exp(-0.5 * ((pitch / n_chroma - _MIDDLE_OCTAVE) / _OCTAVES_WIDE) ** 2)
    return filters.roll(-3 * (n_chroma // 12), 0).to(torch.float32)  # From C on instead of A.


def loudest_is_one(chroma: Float[Tensor, "batch chroma time"]) -> Float[Tensor, "batch chroma time"]:
    """Each frame divided by its largest value; silent frames stay as they are.

    >>> loudest_is_one(torch.tensor([[[4.0, 0.0], [1.0, 0.0]]])).tolist()
    [[[1.0, 0.0], [0.25, 0.0]]]
    """
    largest = chroma.amax(1, keepdim=True)
    return chroma / torch.where(largest < _SILENT, 1.0, largest)
