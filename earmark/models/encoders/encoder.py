"""What every encoder is: settings that build a module, with declared needs and a declared output.

An encoder's module maps values and lengths to `Encoded`. Masks keep padding out of what it computes: a clip scores
the same alone and in a batch of longer ones, up to ``tolerance``.
"""

from abc import ABC, abstractmethod
from typing import ClassVar, NamedTuple

from jaxtyping import Float, Int
from torch import Tensor, nn

from earmark.core.errors import SettingsError
from earmark.core.family import Member
from earmark.core.spec import Spec


class Encoded(NamedTuple):
    """What an encoder heard."""

    maps: Float[Tensor, "batch channels freq time"]
    lengths: Int[Tensor, " batch"] | None
    """Frames of ``maps`` that are signal; none where all are."""
    taps: tuple["Encoded", ...] = ()
    """What its earlier blocks heard, for heads that look at several depths; the last one may be this itself."""


class Shape(NamedTuple):
    """What the maps of an encoder, or of one of its taps, look like."""

    n_channels: int
    n_bands: int
    stride: int
    """Input frames (or samples) for one frame of the maps."""


class Encoder(Member, ABC, family="encoder"):
    """Settings of an encoder."""

    takes: ClassVar[str] = "features"
    """``features`` (spectrograms of any kind) or ``wave``."""
    tolerance: ClassVar[float] = 1e-4
    """By how much padding may change a logit in float32."""
    tolerance_bf16: ClassVar[float] = 0.15
    """By what share of the largest logit bfloat16 may change a logit of a net that has not learned yet."""

    @property
    def external(self) -> tuple[str, ...]:
        """The weights from elsewhere that it begins with, in words; nothing where it begins at random."""
        return ()

    @abstractmethod
    def build(self, spec: Spec) -> "EncoderModule":
        """The module for input of this spec."""

    @abstractmethod
    def shortest(self, spec: Spec) -> int:
        """The fewest frames (or samples) that leave something to pool."""

    def check(self, spec: Spec) -> None:
        """Refuse input that this encoder cannot take.

        Raises:
            SettingsError: with the names of both sides.
        """
        came = "wave" if spec.domain == "wave" else "features"
        if came != self.takes:
            raise SettingsError(
                f"encoder '{self.kind}' takes {self.takes}, but the view gives {spec.domain}; "
                + ("add a front end such as log_mel to the view" if came == "wave" else "leave the front end out")
            )


class EncoderModule(nn.Module):
    """An encoder at work; a subclass sets what it gives."""

    n_channels: int
    n_bands: int
    stride: int
    """Input frames for one frame of the maps."""
    taps: tuple[Shape, ...] = ()
    """What its taps look like, where it has them."""

    @property
    def shape(self) -> Shape:
        """What its maps look like."""
        return Shape(self.n_channels, self.n_bands, self.stride)

    def fetch(self) -> None:
        """Take published weights, where the settings name any; a training begins so, and nothing else does."""

    def forward(self, values: Tensor, lengths: Tensor | None) -> Encoded:
        """Maps of a batch; ``lengths`` is none where nothing is padded."""
        raise TypeError(f"{type(self).__name__} does not say how it encodes")
