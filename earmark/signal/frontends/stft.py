"""From waves to the spectrum of each frame."""

import torch
from torch import nn

from earmark.dsp.spectrogram import Spectrum, spectrogram
from earmark.signal.frontends.framing import FftSamples, Framing, HopSamples, ToFrames
from earmark.signal.step import Spec


class STFT(Framing, kind="stft"):
    """Waves to magnitude (or power) in every FFT bin: [batch, samples] to [batch, 1, n_fft // 2 + 1, frames].

    The frequency axis is linear, and with a short FFT the time axis is fine. The defaults, followed by ``log`` with
    its own, are the small-window front end of the 1-D networks in ex4sperans, "Freesound Audio Tagging 2019, 3rd
    place" (2019), up to the edges of a clip: they are mirrored there, and zeros here, as a clip in a padded batch would
    otherwise look different.
    """

    n_fft: FftSamples = 256
    """Samples of the FFT."""
    hop_samples: HopSamples = 128
    """Samples from one frame to the next."""
    spectrum: Spectrum = "magnitude"
    """What comes out: magnitude, or power (its square)."""

    def after(self, spec: Spec) -> Spec:
        return self.framed(spec, self.spectrum, self.n_fft // 2 + 1)

    def build(self, spec: Spec) -> nn.Module:
        self.after(spec)
        return _Bins(self)


class _Bins(ToFrames):
    window: torch.Tensor

    def __init__(self, settings: STFT) -> None:
        super().__init__(settings.hop_samples, settings.spectrum)
        self.spectrum = settings.spectrum
        self.constant("window", settings.taps())

    def bands(self, waves: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        return spectrogram(waves, lengths, self.hop_samples, self.window, self.spectrum)
