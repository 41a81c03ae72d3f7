"""From waves to the constant-Q transform."""

from typing import Annotated

import torch
from pydantic import Field
from torch import nn

from earmark.dsp.constant_q import Octave, bins_hz, constant_q, octaves
from earmark.dsp.half_band import half_band_matrix
from earmark.dsp.stft import WindowName
from earmark.signal.frontends.framing import HopSamples, ToFrames
from earmark.signal.step import FrontEnd, Spec


class CQT(FrontEnd, kind="cqt"):
    """Waves to magnitudes at equal distances in pitch: [batch, samples] to [batch, 1, n_bins, frames].

    Unlike mel bands, a note looks the same in every octave, low notes are told apart, and high ones come at once. What
    ``librosa.cqt`` gives (J. C. Brown, "Calculation of a constant Q spectral transform", 1991). Frames are centred on
    multiples of the hop and zeros lie beyond the ends of a clip, so a clip of n samples has ``1 + n // hop_samples``
    frames. High bins look at less than a long hop: with the defaults, those above 1.4 kHz at 44.1 kHz do not hear
    every sample.
    """

    fmin_hz: Annotated[float, Field(gt=0)] = 32.703195662574764
    """Frequency of the lowest bin; the C of the lowest octave when left out."""
    n_bins: Annotated[int, Field(ge=1)] = 84
    """How many bins."""
    bins_per_octave: Annotated[int, Field(ge=1)] = 12
    """How many bins to an octave: 12 are semitones."""
    hop_samples: HopSamples = 512
    """Samples from one frame to the next."""
    filter_scale: Annotated[float, Field(gt=0)] = 1.0
    """How long a stretch a bin looks at: below 1 time is sharper, above 1 pitch is."""
    window: WindowName = "hann"
    """The shape of the stretch."""

    def after(self, spec: Spec) -> Spec:
        out = Spec("magnitude", self.takes(spec, "wave").rate_hz / self.hop_samples, 1, self.n_bins)
        bins_hz(spec.rate_hz, self.fmin_hz, self.n_bins, self.bins_per_octave, self.filter_scale, self.window)
        return out

    def build(self, spec: Spec) -> nn.Module:
        self.after(spec)
        return _Pitches(self, spec.rate_hz)

    def octaves(self, rate_hz: float) -> tuple[Octave, ...]:
        """The kernels for audio at this rate.

        Raises:
            SettingsError: the bins do not fit the rate.
        """
        return octaves(
            rate_hz, self.hop_samples, self.fmin_hz, self.n_bins, self.bins_per_octave, self.filter_scale, self.window
        )


class _Pitches(ToFrames):
    matrix: torch.Tensor

    def __init__(self, settings: CQT, rate_hz: float) -> None:
        super().__init__(settings.hop_samples, "magnitude")
        self.octaves = settings.octaves(rate_hz)
        self.constant("matrix", half_band_matrix())
        for octave in self.octaves:
            self.constant(f"kernels_{octave.n_halvings}", octave.kernels)

    def bands(self, waves: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        parts = tuple(
            octave._replace(kernels=self.get_buffer(f"kernels_{octave.n_halvings}")) for octave in self.octaves
        )
        return constant_q(waves, lengths, self.hop_samples, parts, self.matrix)
