"""Deep convolutional nets on waves (W. Dai, C. Dai, S. Qu, J. Li, S. Das, 2017), whose first layer is a filter bank.

One convolution sees 80 samples every 4; then come groups of convolutions of three, with a maximum over 4 before each
group. Theirs end in a mean over time and one linear layer: head ``pooled`` with ``{time: mean, hidden: [],
dropout: []}``.
"""

from typing import Self

from pydantic import Field, model_validator
from torch import Tensor, nn

from earmark.core.spec import Spec
from earmark.models.encoders.encoder import Encoded, Encoder, EncoderModule
from earmark.models.layers.convolution import ConvUnit
from earmark.models.layers.masks import Lengths, fewest, max_pooled
from earmark.models.layers.sizes import one_each


class RawCNN(Encoder, kind="raw_cnn"):
    """A convolution of many samples, then groups of short ones with maxima between.

    The defaults are their M11, made for 8 kHz; M18 is ``depths: [4, 4, 4, 4]``, M5 ``{widths: [128, 256, 512],
    first_width: 128, depths: [1, 1, 1]}``, M3 ``{widths: [256], first_width: 256, depths: [1]}``.
    """

    takes = "wave"

    first_width: int = Field(64, ge=1)
    """Channels of the first convolution."""
    first_kernel: int = Field(80, ge=1)
    """Samples that it sees."""
    first_stride: int = Field(4, ge=1)
    """Samples by which it moves on; it is padded so that a clip gives as many frames as it has whole strides."""
    widths: tuple[int, ...] = Field((64, 128, 256, 512), min_length=1)
    """Channels of each group."""
    depths: tuple[int, ...] = (2, 2, 3, 2)
    """Convolutions of each group."""
    pool: int = Field(4, ge=1)
    """Frames of which the maximum is taken before each group."""

    @model_validator(mode="after")
    def _sizes(self) -> Self:
        one_each("group", width=self.widths, depth=self.depths)
        if self.first_kernel < self.first_stride or (self.first_kernel - self.first_stride) % 2:
            raise ValueError(
                f"the first convolution sees {self.first_kernel} samples every {self.first_stride}; first_kernel must "
                "be first_stride and an even number more, so that padding is the same at both ends"
            )
        return self

    def shortest(self, spec: Spec) -> int:
        first = (self.first_kernel, self.first_stride, (self.first_kernel - self.first_stride) // 2)
        return fewest([first, *[(self.pool, self.pool, 0)] * len(self.widths)])

    def build(self, spec: Spec) -> "RawCNNModule":
        self.check(spec)
        return RawCNNModule(self)


class RawCNNModule(EncoderModule):
    """The net itself."""

    def __init__(self, settings: RawCNN) -> None:
        super().__init__()
        kernel, stride, self.pool = settings.first_kernel, settings.first_stride, (1, settings.pool)
        self.first = ConvUnit(1, settings.first_width, (1, kernel), (1, stride), (0, (kernel - stride) // 2))
        n_in, self.groups = settings.first_width, nn.ModuleList()
        for width, depth in zip(settings.widths, settings.depths, strict=True):
            self.groups.append(nn.ModuleList(ConvUnit(width if i else n_in, width, (1, 3)) for i in range(depth)))
            n_in = width
        self.n_channels, self.n_bands = n_in, 1
        self.stride = stride * settings.pool ** len(settings.widths)

    def forward(self, values: Tensor, lengths: Lengths) -> Encoded:
        values, lengths = self.first(values[:, None, None], lengths)
        for group in self.groups:
            values, lengths = max_pooled(values, lengths, self.pool)
            for unit in group:  # type: ignore[attr-defined]
                values, lengths = unit(values, lengths)
        return Encoded(values, lengths)
