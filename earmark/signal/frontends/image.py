"""The picture of bytes that many systems of 2019 trained on."""

from typing import Annotated, Literal

from pydantic import Field
from torch import Tensor, nn

from earmark.dsp.padding import signal_of
from earmark.signal.frontends.exact import ToFeatures
from earmark.signal.step import FrontEnd, Spec

# What varies by less does not vary. (Theirs: a range below 1e-6 after division by the deviation plus 1e-6.)
_LEAST = 1e-12


class Image(FrontEnd, kind="image"):
    """Features to the whole numbers from 0 to 255, in several equal channels: what loading the decibels of a clip from
    a colour picture gives.

    The lowest value of a clip becomes 0, its highest 255, and what lies between is cut to whole numbers, as in the
    prepared data of daisukelab (2019), on which many public systems were trained. (They standardise each clip first,
    which changes nothing: the lowest and highest value go to the same ends.) A clip that does not vary becomes zeros,
    and each channel is a picture of its own. The gradient passes through the cutting as if it were not there.
    """

    copies: Annotated[int, Field(ge=1)] = 3
    """How many times the channels are there, one set after the other."""
    top: Literal[1, 255] = 1
    """What the highest value becomes: 255, or 1 where numbers are divided by 255 once they are cut."""

    def after(self, spec: Spec) -> Spec:
        self.takes(spec, "features")
        return Spec("features", spec.rate_hz, spec.n_channels * self.copies, spec.n_bands)

    def build(self, spec: Spec) -> nn.Module:
        self.after(spec)
        return _Bytes(self)


class _Bytes(ToFeatures):
    def __init__(self, settings: Image) -> None:
        super().__init__()
        self.copies = settings.copies
        self.top = settings.top

    def n_channels(self, came: int) -> int:
        return came * self.copies

    def features(self, values: Tensor, lengths: Tensor | None, origins: Tensor) -> Tensor:
        noise = None if lengths is None else ~signal_of(values, lengths)
        low = _filled(values, noise, float("inf")).amin((2, 3), keepdim=True)
        high = _filled(values, noise, -float("inf")).amax((2, 3), keepdim=True)
        span = high - low
        levels = 255.0 * ((values - low) / span.masked_fill(span < _LEAST, float("inf")))
        levels = levels + (levels.floor() - levels).detach()
        return (levels * (self.top / 255.0)).repeat(1, self.copies, 1, 1)


def _filled(values: Tensor, where: Tensor | None, value: float) -> Tensor:
    return values if where is None else values.masked_fill(where, value)
