"""Per-channel energy normalisation."""

from typing import Annotated, Literal

from pydantic import Field
from torch import Tensor

from earmark.dsp.pcen import pcen
from earmark.signal.frontends.compression import Compression
from earmark.signal.step import Spec


class PCEN(Compression, kind="pcen"):
    """Each band divided by its own recent level, then compressed: steady noise fades, onsets stand out.

    ``(x / (eps + m) ** gain + bias) ** power - bias ** power``, where m is the band smoothed over time (Y. Wang et al.,
    "Trainable frontend for robust and far-field keyword spotting", 2017; V. Lostanlen et al., "Per-channel energy
    normalization: why and how", 2019). The same as ``librosa.pcen(values * scale)``. Magnitude and power are taken as
    they come; both papers use magnitude.
    """

    time_constant_s: Annotated[float, Field(gt=0)] = 0.4
    """Over how long the level is smoothed."""
    gain: Annotated[float, Field(ge=0, le=1)] = 0.98
    """How much of the level is taken out: 0 nothing, 1 all of it."""
    bias: Annotated[float, Field(gt=0)] = 2.0
    """What is added before the power is taken; a larger one hides more of what is soft."""
    power: Annotated[float, Field(ge=0, le=1)] = 0.5
    """The exponent; smaller compresses more, and 0 is a logarithm."""
    eps: Annotated[float, Field(gt=0)] = 1e-6
    """The level below which everything counts as silence."""
    scale: Annotated[float, Field(gt=0)] = 2.0**31
    """What values are multiplied by first; the other defaults are meant for samples of 32-bit integers."""
    start: Annotated[float, Field(ge=0)] | Literal["first"] = 1.0
    """The level before the first frame: 1 as in librosa, or first: as if the first frame had always been there, so
    that a clip that begins amid a sound does not begin with an onset."""

    def __call__(self, values: Tensor, spec: Spec) -> Tensor:
        frames = self.time_constant_s * spec.rate_hz
        return pcen(values * self.scale, frames, self.gain, self.bias, self.power, self.eps, self.start)
