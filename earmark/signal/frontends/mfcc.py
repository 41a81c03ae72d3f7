"""Cepstral coefficients."""

from typing import Annotated

import torch
from pydantic import Field
from torch import nn

from earmark.core.batch import Batch
from earmark.core.errors import SettingsError
from earmark.dsp.cepstrum import cosines, lifter
from earmark.signal.frontends.exact import Exact
from earmark.signal.step import FrontEnd, Spec


class MFCC(FrontEnd, kind="mfcc"):
    """Features in bands to the first coefficients of their cosine transform (DCT-II) over frequency.

    After ``mel`` and ``decibel`` these are mel-frequency cepstral coefficients (S. Davis and P. Mermelstein, 1980), the
    same as ``librosa.feature.mfcc(S=...)``: how loud a frame is, then the shape of its spectrum from coarse to fine.
    """

    n_mfcc: Annotated[int, Field(ge=1)] = 20
    """How many coefficients, from the first on."""
    ortho: bool = True
    """Whether the transform keeps lengths (librosa's norm="ortho"), or is scaled as norm=None has it."""
    lifter: Annotated[float, Field(ge=0)] = 0.0
    """The length of the sine that lifts higher coefficients; 0 leaves them, 22 is usual for 13 of them."""

    def after(self, spec: Spec) -> Spec:
        self.takes(spec, "features")
        if self.n_mfcc > spec.n_bands:
            raise SettingsError(f"mfcc was to make {self.n_mfcc} coefficients of {spec.n_bands} bands; lower n_mfcc")
        return Spec("features", spec.rate_hz, spec.n_channels, self.n_mfcc)

    def build(self, spec: Spec) -> nn.Module:
        self.after(spec)
        return _Cepstrum(self, spec.n_bands)


class _Cepstrum(Exact):
    weights: torch.Tensor

    def __init__(self, settings: MFCC, n_bands: int) -> None:
        super().__init__()
        lifted = lifter(settings.n_mfcc, settings.lifter)[:, None]
        self.register_buffer("weights", cosines(n_bands, settings.n_mfcc, settings.ortho) * lifted, persistent=False)

    def transformed(self, batch: Batch) -> Batch:
        # Padding needs no care: of zeros it makes zeros.
        return batch.changed(values=self.weights @ batch.values)
