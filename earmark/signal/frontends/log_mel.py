"""The log-mel spectrogram in one step: bands, compression, normalisation."""

from torch import nn

from earmark.signal.frontends.compression import Compression
from earmark.signal.frontends.decibel import Decibel
from earmark.signal.frontends.mel import Mel
from earmark.signal.frontends.normalise import Normalise
from earmark.signal.step import FrontEnd, Spec


class LogMel(FrontEnd, kind="log_mel"):
    """Waves to normalised log-mel features: [batch, samples] to [batch, 1, bands, frames].

    The same as its three parts as steps of their own, for views that change nothing in between; mixing or masking
    power before it is compressed takes the three apart.
    """

    mel: Mel = Mel()
    """The bands."""
    compression: Compression = Decibel()
    """How power becomes features."""
    normalise: Normalise = Normalise()
    """Whose mean and deviation are taken out."""

    @property
    def chained(self) -> tuple[FrontEnd, ...]:
        return (self.mel, self.compression, self.normalise)

    def after(self, spec: Spec) -> Spec:
        for step in self.chained:
            spec = step.after(spec)
        return spec

    def build(self, spec: Spec) -> nn.Module:
        modules = []
        for step in self.chained:
            modules.append(step.build(spec))
            spec = step.after(spec)
        return nn.Sequential(*modules)
