"""From waves to the power in mel bands."""

from typing import Annotated, Self

import torch
from pydantic import Field, model_validator
from torch import nn

from earmark.core.batch import Batch
from earmark.dsp.mel import MelScale, mel_filters
from earmark.dsp.spectrogram import Spectrum, column_weights, mel_spectrogram, spans
from earmark.dsp.stft import WindowName, n_frames, window
from earmark.signal.frontends.exact import Exact
from earmark.signal.step import FrontEnd, Spec


class Mel(FrontEnd, kind="mel"):
    """Waves to power (or magnitude) in mel bands: [batch, samples] to [batch, 1, bands, frames].

    Frames are centred on multiples of the hop and zeros lie beyond the ends of a clip, so a clip of n samples has
    ``1 + n // hop_samples`` frames, the same ones alone and in a padded batch. The defaults are those of O. Akiyama
    and J. Sato, "Multitask learning and semi-supervised learning with noisy data for audio tagging" (DCASE 2019):
    127 frames a second at 44.1 kHz.
    """

    n_fft: Annotated[int, Field(ge=2)] = 2560
    """Samples of the FFT."""
    win_samples: Annotated[int, Field(ge=2)] | None = None
    """Samples of the window, in the middle of the FFT; as long as the FFT when left out."""
    hop_samples: Annotated[int, Field(ge=1)] = 347
    """Samples from one frame to the next."""
    n_mels: Annotated[int, Field(ge=1)] = 128
    """How many bands."""
    fmin_hz: Annotated[float, Field(ge=0)] = 20.0
    """Where the lowest band starts."""
    fmax_hz: Annotated[float, Field(gt=0)] | None = None
    """Where the highest band ends; half the sampling rate when left out."""
    scale: MelScale = "slaney"
    """The mel scale: slaney (linear below 1 kHz) or htk."""
    window: WindowName = "hann"
    """The shape of the window."""
    spectrum: Spectrum = "power"
    """What is summed in a band: power (squared magnitudes) or magnitude."""
    area_norm: bool = True
    """Whether bands have the same area, as librosa has it, or the same height."""

    @model_validator(mode="after")
    def _lengths_fit(self) -> Self:
        taps = self.n_fft if self.win_samples is None else self.win_samples
        if taps > self.n_fft:
            raise ValueError(f"a window of {taps} samples does not fit an FFT of {self.n_fft}; make n_fft larger")
        if taps < self.hop_samples:
            what = "an FFT" if self.win_samples is None else "a window"
            raise ValueError(
                f"{what} of {taps} samples is shorter than the hop of {self.hop_samples}, so some samples would "
                "never be heard; make the hop shorter"
            )
        return self

    def after(self, spec: Spec) -> Spec:
        self.takes(spec, "wave")
        self.filters(spec.rate_hz)
        return Spec(self.spectrum, spec.rate_hz / self.hop_samples, 1, self.n_mels)

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


class _MelBands(Exact):
    """Holds the window and the filters, which settings and rate give, so that a checkpoint need not."""

    window: torch.Tensor
    weights: torch.Tensor

    def __init__(self, settings: Mel, rate_hz: float) -> None:
        super().__init__()
        self.hop_samples = settings.hop_samples
        self.spectrum = settings.spectrum
        taps = window(settings.window, settings.win_samples or settings.n_fft, settings.n_fft)
        weights = column_weights(settings.filters(rate_hz), settings.spectrum)
        self.register_buffer("window", taps, persistent=False)
        self.register_buffer("weights", weights, persistent=False)
        self.groups = spans(weights)

    def transformed(self, batch: Batch) -> Batch:
        bands = mel_spectrogram(
            batch.values, batch.lengths, self.hop_samples, self.window, self.weights, self.groups, self.spectrum
        )
        return batch.changed(
            values=bands[:, None],
            lengths=n_frames(batch.lengths, self.hop_samples),
            rate_hz=batch.rate_hz / self.hop_samples,
            domain=self.spectrum,
        )
