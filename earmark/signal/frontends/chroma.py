"""From waves to pitch classes."""

from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import nn

from earmark.dsp.chroma import chroma_filters, loudest_is_one
from earmark.dsp.spectrogram import column_weights, mel_spectrogram, spans
from earmark.signal.frontends.framing import FftSamples, Framing, HopSamples, ToFrames
from earmark.signal.step import Spec


class Chroma(Framing, kind="chroma"):
    """Waves to the share of each pitch class in a frame: [batch, samples] to [batch, 1, n_chroma, frames], from C up.

    What is played shows, not how high, how loud or by what. Frames in which the loudest class is 1 have lost their
    level, so they are features and need no compression; without that norm they are power, and can be compressed like
    mel bands. What ``librosa.feature.chroma_stft`` gives for ``tuning=0`` (D. Ellis, "Chroma feature analysis and
    synthesis", 2007).
    """

    n_fft: FftSamples = 2048
    """Samples of the FFT."""
    hop_samples: HopSamples = 512
    """Samples from one frame to the next."""
    n_chroma: Annotated[int, Field(ge=12, multiple_of=12)] = 12
    """Pitch classes in an octave: 12, or a multiple for finer ones."""
    norm: Literal["inf", "none"] = "inf"
    """What each frame is divided by: its loudest pitch class (inf), or nothing (none)."""

    def after(self, spec: Spec) -> Spec:
        return self.framed(spec, "power" if self.norm == "none" else "features", self.n_chroma)

    def build(self, spec: Spec) -> nn.Module:
        return _PitchClasses(self, self.after(spec), spec.rate_hz)


class _PitchClasses(ToFrames):
    window: torch.Tensor
    weights: torch.Tensor

    def __init__(self, settings: Chroma, out: Spec, rate_hz: float) -> None:
        super().__init__(settings.hop_samples, out.domain)
        self.constant("window", settings.taps())
        self.constant("weights", column_weights(chroma_filters(rate_hz, settings.n_fft, settings.n_chroma), "power"))
        self.groups = spans(self.weights)

    def bands(self, waves: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        power = mel_spectrogram(waves, lengths, self.hop_samples, self.window, self.weights, self.groups)
        return power if self.domain == "power" else loudest_is_one(power)
