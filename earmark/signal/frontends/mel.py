"""From waves to the power in mel bands."""

from typing import Annotated

import torch
from pydantic import Field
from torch import nn

from earmark.dsp.mel import MelScale, mel_filters
from earmark.dsp.spectrogram import Spectrum, column_weights, mel_spectrogram, spans
from earmark.signal.frontends.framing import FftSamples, Framing, HopSamples, ToFrames
from earmark.signal.step import Spec


class Mel(Framing, kind="mel"):
    """Waves to power (or magnitude) in mel bands: [batch, samples] to [batch, 1, bands, frames].

    Frames are centred on multiples of the hop and zeros lie beyond the ends of a clip, so a clip of n samples has
    ``1 + n // hop_samples`` frames, the same ones alone and in a padded batch. The defaults are those of O. Akiyama
    and J. Sato, "Multitask learning and semi-supervised learning with noisy data for audio tagging" (DCASE 2019):
    127 frames a second at 44.1 kHz.
    """

    n_fft: FftSamples = 2560
    """Samples of the FFT."""
    hop_samples: HopSamples = 347
    """Samples from one frame to the next."""
    n_mels: Annotated[int, Field(ge=1)] = 128
    """How many bands."""
    fmin_hz: Annotated[float, Field(ge=0)] = 20.0
    """Where the lowest band starts."""
    fmax_hz: Annotated[float, Field(gt=0)] | None = None
    """Where the highest band ends; half the sampling rate when left out."""
    scale: MelScale = "slaney"
    """The mel scale: slaney (linear below 1 kHz) or htk."""
    spectrum: Spectrum = "power"
    """What is summed in a band: power (squared magnitudes) or magnitude."""
    area_norm: bool = True
    """Whether bands have the same area, as librosa has it, or the same height."""

    def after(self, spec: Spec) -> Spec:
        out = self.framed(spec, self.spectrum, self.n_mels)
        self.filters(spec.rate_hz)
        return out

    def build(self, spec: Spec) -> nn.Module:
        self.after(spec)
        return _MelBands(self, spec.rate_hz)

    def filters(self, rate_hz: float) -> torch.Tensor:
        """The filter matrix [mels, freq] for audio at this rate.

        Raises:
            SettingsError: the bands do not fit the rate or the FFT.
        """
        fmax_hz = rate_hz / 2 if self.fmax_hz is None else self.fmax_hz
        return mel_filters(rate_hz, self.n_fft, self.n_mels, self.fmin_hz, fmax_hz, self.scale, self.area_norm)


class _MelBands(ToFrames):
    window: torch.Tensor
    weights: torch.Tensor

    def __init__(self, settings: Mel, rate_hz: float) -> None:
        super().__init__(settings.hop_samples, settings.spectrum)
        self.spectrum = settings.spectrum
        self.constant("window", settings.taps())
        self.constant("weights", column_weights(settings.filters(rate_hz), settings.spectrum))
        self.groups = spans(self.weights)

    def bands(self, waves: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        return mel_spectrogram(waves, lengths, self.hop_samples, self.window, self.weights, self.groups, self.spectrum)
