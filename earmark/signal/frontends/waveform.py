"""Waves for nets that listen to waves."""

from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from earmark.core.batch import Batch
from earmark.signal.frontends.exact import Exact
from earmark.signal.step import FrontEnd, Spec

# -200 dB: what is softer than this is silence and stays so.
_LEAST = 1e-10


class Waveform(FrontEnd, kind="waveform"):
    """Waves as they are, or at a level of their own: [batch, samples] to [batch, samples].

    The samples of a batch are 16-bit integers divided by 32768, and so already what the waveform net of O. Akiyama and
    J. Sato ("Multitask learning and semi-supervised learning with noisy data for audio tagging", DCASE 2019) gets;
    factor 32768 gives the integers. Silence stays silence.
    """

    factor: Annotated[float, Field(gt=0)] = 1.0
    """What samples are multiplied by, after the level is made."""
    level: Literal["none", "peak", "rms"] = "none"
    """What is made 1 in each clip: nothing, its largest absolute sample, or its root mean square."""

    def after(self, spec: Spec) -> Spec:
        return self.takes(spec, "wave")

    def build(self, spec: Spec) -> nn.Module:
        self.after(spec)
        return _Levelled(self)


class _Levelled(Exact):
    def __init__(self, settings: Waveform) -> None:
        super().__init__()
        self.factor = settings.factor
        self.level = settings.level

    def transformed(self, batch: Batch) -> Batch:
        waves = batch.values
        if self.level != "none":
            waves = waves / self._level(waves, batch.lengths[:, None])
        return batch.changed(values=waves if self.factor == 1.0 else waves * self.factor)

    def _level(self, waves: Tensor, lengths: Tensor) -> Tensor:
        if self.level == "peak":
            return waves.abs().amax(1, keepdim=True).clamp(min=_LEAST)
        power = waves.square().sum(1, keepdim=True) / lengths
        return torch.sqrt(power.clamp(min=_LEAST**2))
