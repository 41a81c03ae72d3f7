"""What the front ends that cut waves into frames have in common."""

from abc import ABC, abstractmethod
from typing import Annotated, Self

import torch
from jaxtyping import Float, Int
from pydantic import Field, model_validator
from torch import Tensor

from earmark.core.batch import Batch
from earmark.core.spec import Domain, Spec
from earmark.dsp.stft import WindowName, n_frames, window
from earmark.signal.frontends.exact import Exact
from earmark.signal.step import FrontEnd

FftSamples = Annotated[int, Field(ge=2)]
HopSamples = Annotated[int, Field(ge=1)]


class Framing(FrontEnd, ABC):
    """A front end whose every frame is one FFT.

    Frames are centred on multiples of the hop and zeros lie beyond the ends of a clip, so a clip of n samples has
    ``1 + n // hop_samples`` frames, the same ones alone and in a padded batch.
    """

    n_fft: FftSamples
    """Samples of the FFT."""
    win_samples: Annotated[int, Field(ge=2)] | None = None
    """Samples of the window, in the middle of the FFT; as long as the FFT when left out."""
    hop_samples: HopSamples
    """Samples from one frame to the next."""
    window: WindowName = "hann"
    """The shape of the window."""

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

    def taps(self) -> Float[Tensor, " n_fft"]:
        """The values of the window, as many as the FFT has."""
        return window(self.window, self.win_samples or self.n_fft, self.n_fft)

    def framed(self, spec: Spec, domain: Domain, n_bands: int) -> Spec:
        """What goes out for waves of this spec.

        Raises:
            SettingsError: it is no waves.
        """
        return Spec(domain, self.takes(spec, "wave").rate_hz / self.hop_samples, 1, n_bands)


class ToFrames(Exact, ABC):
    """A module from waves [batch, samples] to [batch, 1, bands, frames]: one frame centred on each multiple of the hop.

    Args:
        hop_samples: samples from one frame to the next.
        domain: what comes out.
    """

    def __init__(self, hop_samples: int, domain: Domain) -> None:
        super().__init__()
        self.hop_samples = hop_samples
        self.domain = domain

    def transformed(self, batch: Batch) -> Batch:
        return batch.changed(
            values=self.bands(batch.values, batch.lengths)[:, None],
            lengths=n_frames(batch.lengths, self.hop_samples),
            rate_hz=batch.rate_hz / self.hop_samples,
            domain=self.domain,
        )

    def constant(self, name: str, values: torch.Tensor) -> None:
        """Hold something that settings and rate give, so that a checkpoint need not."""
        self.register_buffer(name, values, persistent=False)

    @abstractmethod
    def bands(
        self, waves: Float[Tensor, "batch samples"], lengths: Int[Tensor, " batch"]
    ) -> Float[Tensor, "batch bands time"]:
        """The frames of waves that are zero behind their lengths; they too are zero behind theirs."""
