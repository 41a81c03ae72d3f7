"""From waves to what their phase tells."""

from typing import Annotated

import torch
from pydantic import Field
from torch import nn

from earmark.dsp.mel import MelScale
from earmark.dsp.reassignment import Bands, Quantity, deviation, other_window, phase_bands
from earmark.signal.frontends.framing import FftSamples, Framing, HopSamples, ToFrames
from earmark.signal.step import Spec


class Phase(Framing, kind="phase"):
    """Waves to where energy really lies, read from phase: [batch, samples] to [batch, 1, bands, frames].

    The instantaneous frequency tells tones from noise and shows glides within a bin; the group delay tells when in its
    frame something sounds, so onsets stand out. Both are deviations, near 0 for what lies in the middle, and 0 in
    silence: frequency in bins above the FFT bin, or in half widths above the centre of a mel band; time in hops behind
    the middle of the frame. Mel bands weigh their bins by power. By the formulas of F. Auger and P. Flandrin,
    "Improving the readability of time-frequency and time-scale representations by the reassignment method" (1995).
    Framing and bands are those of ``mel``, so the pictures lie on one another.
    """

    n_fft: FftSamples = 2560
    """Samples of the FFT."""
    hop_samples: HopSamples = 347
    """Samples from one frame to the next."""
    quantity: Quantity = "instantaneous_frequency"
    """What is told: instantaneous_frequency or group_delay."""
    n_mels: Annotated[int, Field(ge=1)] | None = 128
    """How many mel bands; null gives every FFT bin."""
    fmin_hz: Annotated[float, Field(ge=0)] = 20.0
    """Where the lowest mel band starts."""
    fmax_hz: Annotated[float, Field(gt=0)] | None = None
    """Where the highest mel band ends; half the sampling rate when left out."""
    scale: MelScale = "slaney"
    """The mel scale: slaney (linear below 1 kHz) or htk."""
    floor: Annotated[float, Field(gt=0)] = 1e-6
    """Power of the spectrum at which a deviation counts half; what is much quieter counts as silence."""
    limit: Annotated[float, Field(gt=0)] | None = 4.0
    """Deviations beyond this count as this much; null leaves them, however large they are between two sounds."""

    def after(self, spec: Spec) -> Spec:
        out = self.framed(spec, "features", self.n_mels or self.n_fft // 2 + 1)
        self.bands(spec.rate_hz)
        return out

    def build(self, spec: Spec) -> nn.Module:
        self.after(spec)
        return _Deviation(self, spec.rate_hz)

    def bands(self, rate_hz: float) -> Bands | None:
        """The mel bands for audio at this rate, if there are any.

        Raises:
            SettingsError: they do not fit the rate or the FFT.
        """
        if self.n_mels is None:
            return None
        fmax_hz = rate_hz / 2 if self.fmax_hz is None else self.fmax_hz
        return phase_bands(rate_hz, self.n_fft, self.n_mels, self.fmin_hz, fmax_hz, self.scale)


class _Deviation(ToFrames):
    window: torch.Tensor
    other: torch.Tensor
    sums: torch.Tensor
    offsets: torch.Tensor
    per_bin: torch.Tensor

    def __init__(self, settings: Phase, rate_hz: float) -> None:
        super().__init__(settings.hop_samples, "features")
        self.settings = settings
        self.constant("window", settings.taps())
        self.constant("other", other_window(settings.taps(), settings.hop_samples, settings.quantity))
        self.mel = settings.bands(rate_hz)
        if self.mel:
            for name in ("sums", "offsets", "per_bin"):
                self.constant(name, getattr(self.mel, name))

    def bands(self, waves: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        mel = self.mel and self.mel._replace(sums=self.sums, offsets=self.offsets, per_bin=self.per_bin)
        told = self.settings
        return deviation(
            waves, lengths, self.hop_samples, self.window, self.other, told.quantity, mel, told.floor, told.limit
        )
