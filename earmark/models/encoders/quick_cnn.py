"""A plain net that spends its time where a processor is good: a step of two at once, then few wide maps.

On a processor, convolutions of few channels on large maps wait for memory. Those that a net of blocks begins with take
a third of its time that way. Here one convolution of 5x5 with stride 2 stands in their place, and nothing is put beside
anything, so that channels stay multiples of eight. It takes half of the time of a ``skip_cnn`` that ends as wide (see
``docs/experiments.md``).
"""

from typing import Annotated

from pydantic import Field, field_validator
from torch import Tensor, nn

from earmark.core.errors import SettingsError
from earmark.core.spec import Spec
from earmark.models.encoders.encoder import Encoded, Encoder, EncoderModule
from earmark.models.layers.convolution import ConvUnit
from earmark.models.layers.masks import Lengths, mean_pooled


class QuickCNN(Encoder, kind="quick_cnn"):
    """A convolution with stride 2, then blocks of two 3x3 convolutions and a 2x2 average pool."""

    stem: int = Field(24, ge=1)
    """Channels that the first convolution gives."""
    kernel: int = Field(5, ge=3)
    """Bands and frames that the first convolution sees, an odd number."""
    widths: tuple[Annotated[int, Field(ge=1)], ...] = Field((32, 64, 128), min_length=1)
    """Channels that each block gives."""

    @field_validator("kernel")
    @classmethod
    def _odd(cls, kernel: int) -> int:
        if kernel % 2 == 0:
            raise ValueError(f"the first convolution needs an odd kernel to keep its place, got {kernel}")
        return kernel

    def check(self, spec: Spec) -> None:
        super().check(spec)
        if spec.n_bands < self.shortest(spec):
            raise SettingsError(
                f"quick_cnn with {len(self.widths)} blocks needs {self.shortest(spec)} bands, but the view gives "
                f"{spec.n_bands}; use more bands or fewer blocks"
            )

    def shortest(self, spec: Spec) -> int:
        # The stride leaves one more than half of an odd number.
        return (2 << len(self.widths)) - 1

    def build(self, spec: Spec) -> "QuickCNNModule":
        self.check(spec)
        return QuickCNNModule(spec, self)


class QuickCNNModule(EncoderModule):
    """The net itself."""

    def __init__(self, spec: Spec, settings: QuickCNN) -> None:
        super().__init__()
        self.stem = ConvUnit(spec.n_channels, settings.stem, settings.kernel, stride=2)
        n_in, blocks = settings.stem, []
        for width in settings.widths:
            blocks.append(nn.ModuleList([ConvUnit(n_in, width), ConvUnit(width, width)]))
            n_in = width
        self.blocks = nn.ModuleList(blocks)
        self.n_channels = n_in
        self.n_bands = -(-spec.n_bands // 2) >> len(settings.widths)
        self.stride = 2 << len(settings.widths)

    def forward(self, values: Tensor, lengths: Lengths) -> Encoded:
        values, lengths = self.stem(values, lengths)
        for block in self.blocks:
            for unit in block:  # type: ignore[attr-defined]
                values, lengths = unit(values, lengths)
            values, lengths = mean_pooled(values, lengths, (2, 2))
        return Encoded(values, lengths)
