"""The head of the same public kernel: mean over time, then maximum over frequency, then two linear layers.

512 -> dropout .2 -> 128 -> PReLU -> batch norm -> dropout .1 -> classes; the 128 and the dropouts are settings.

J. Deng (2019) feeds the same net with spectrograms whose axes are swapped, and so takes the mean over frequency and
then the maximum over time. As the kernels and pools of that net are square, ``swapped`` is all that is left of it on
the usual axes: every kernel is learnt transposed, and the logits are the same.
"""

import torch
from pydantic import Field
from torch import Tensor

from earmark.models.encoders.encoder import Encoded, EncoderModule
from earmark.models.heads.head import Head, HeadModule
from earmark.models.heads.pooling import max_over_time, mean_over_time
from earmark.models.layers.perceptron import Perceptron


class MeanMax(Head, kind="mean_max"):
    """Mean over the time that is signal, maximum over frequency, a hidden layer, logits."""

    swapped: bool = False
    """Whether it is the mean over frequency and then the maximum over the time that is signal."""
    hidden: int = Field(128, ge=1)
    """Units of the hidden layer."""
    dropout: float = Field(0.2, ge=0, lt=1)
    """Share of the pooled channels dropped in training."""
    hidden_dropout: float = Field(0.1, ge=0, lt=1)
    """Share of the hidden units dropped in training."""
    prior: float | None = Field(None, gt=0, lt=1)
    """Probability that every class starts from; null starts at one half, as published. Most labels are absent, and a
    net that starts by saying so need not spend its first epochs on learning it."""

    def build(self, encoder: EncoderModule, n_classes: int) -> "MeanMaxModule":
        return MeanMaxModule(self, encoder.n_channels, n_classes)


class MeanMaxModule(HeadModule):
    """The head itself."""

    def __init__(self, settings: MeanMax, n_channels: int, n_classes: int) -> None:
        super().__init__()
        self.swapped = settings.swapped
        self.layers = Perceptron(
            n_channels,
            (settings.hidden,),
            n_classes,
            act="prelu",
            norm="after",
            input_dropout=settings.dropout,
            dropout=(settings.hidden_dropout,),
            prior=settings.prior,
        )

    def forward(self, encoded: Encoded) -> Tensor:
        if self.swapped:
            rows = encoded.maps.mean(dim=2, keepdim=True, dtype=torch.float32)
            pooled = max_over_time(Encoded(rows, encoded.lengths))[:, :, 0]
        else:
            pooled = mean_over_time(encoded).amax(dim=2)
        logits: Tensor = self.layers(pooled)
        return logits
