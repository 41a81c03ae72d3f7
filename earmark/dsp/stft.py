"""Frames, windows and the short-time Fourier transform.

Waves are [batch, samples] and spectra [batch, freq, time] with ``n_fft // 2 + 1`` rows from 0 Hz to half the rate.
Centred frames lie around the samples 0, hop, 2 hop, ...: a clip of n samples has ``1 + n // hop`` of them, so even one
sample gives a frame. The frames are a view of the padded waves: nothing is copied before the window is applied.
"""

from __future__ import annotations

from typing import Literal, TypeVar

import torch
from jaxtyping import Complex, Float
from torch import Tensor
from torch.nn import functional

from earmark.core.errors import SettingsError

WindowName = Literal["hann", "hamming", "blackman"]
Pad = Literal["constant", "reflect"]

_Count = TypeVar("_Count", int, Tensor)
_WINDOWS = {"hann": torch.hann_window, "hamming": torch.hamming_window, "blackman": torch.blackman_window}


def window(name: WindowName, n_samples: int, n_fft: int | None = None) -> Float[Tensor, " n_fft"]:
    """A periodic window of ``n_samples``, with zeros on both sides when the FFT is longer.

    Computed in float64 and then rounded to float32, so that it is the same everywhere.

    Raises:
        SettingsError: the window is longer than the FFT.

    >>> window("hann", 4, n_fft=6).tolist()
    [0.0, 0.0, 0.5, 1.0, 0.5, 0.0]
    """
    n_fft = n_samples if n_fft is None else n_fft
    if n_samples > n_fft:
        raise SettingsError(f"a window of {n_samples} samples does not fit an FFT of {n_fft}; make the FFT longer")
    values = _WINDOWS[name](n_samples, periodic=True, dtype=torch.float64).to(torch.float32)
    before = (n_fft - n_samples) // 2
    return functional.pad(values, (before, n_fft - n_samples - before))


def n_frames(n_samples: _Count, hop_samples: int) -> _Count:
    """How many centred frames a clip has, for one length or a tensor of lengths.

    >>> n_frames(1, 347), n_frames(44100, 347)
    (1, 128)
    """
    return 1 + n_samples // hop_samples


def framed(
    waves: Float[Tensor, "batch samples"],
    n_fft: int,
    hop_samples: int,
    center: bool = True,
    pad: Pad = "constant",
) -> Float[Tensor, "batch time n_fft"]:
    """Overlapping frames of the waves, as a view.

    Args:
        waves: any number of samples from 1 on (from ``n_fft`` on when not centred).
        n_fft: samples of a frame.
        hop_samples: samples from one frame to the next.
        center: frames lie around multiples of the hop, with padding at both ends; else the first starts at sample 0.
        pad: what lies beyond the ends. With zeros a clip in a padded batch has the frames that it has alone; a
            mirror image needs more than ``n_fft // 2`` samples, and mirrors the padding of a batch, not the clip.

    Raises:
        SettingsError: there are too few samples for a frame or for the mirror image.
    """
    n_samples = waves.shape[-1]
    if center:
        before = n_fft // 2
        if pad == "reflect" and n_samples <= before:
            raise SettingsError(
                f"mirrored edges need more than {before} samples, got {n_samples}; pad with zeros (constant) instead"
            )
        waves = functional.pad(waves, (before, n_fft - before), mode=pad)
    elif n_samples < n_fft:
        raise SettingsError(f"an FFT of {n_fft} samples needs as many, got {n_samples}; centre the frames instead")
    return waves.unfold(-1, n_fft, hop_samples)


def stft(
    waves: Float[Tensor, "batch samples"],
    n_fft: int,
    hop_samples: int,
    window: Float[Tensor, " win_samples"],
    center: bool = True,
    pad: Pad = "constant",
) -> Complex[Tensor, "batch freq time"]:
    """The spectrum of each frame, not normalised: what ``librosa.stft`` and ``torch.stft`` give.

    Args:
        waves: see `framed`.
        n_fft: samples of a frame; ``n_fft // 2 + 1`` rows come out.
        hop_samples: samples from one frame to the next.
        window: at most ``n_fft`` values; a shorter one lies in the middle of the frame.
        center: see `framed`.
        pad: see `framed`.

    Raises:
        SettingsError: the window is longer than the FFT, or there are too few samples.
    """
    missing = n_fft - window.shape[0]
    if missing < 0:
        raise SettingsError(f"a window of {window.shape[0]} samples does not fit an FFT of {n_fft}; make it shorter")
    taps = functional.pad(window, (missing // 2, missing - missing // 2))
    spectra: Tensor = torch.fft.rfft(framed(waves, n_fft, hop_samples, center, pad) * taps)
    return spectra.transpose(-1, -2)
