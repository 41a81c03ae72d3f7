"""The head of the same public kernel: mean over time, then maximum over frequency, then two linear layers.

512 -> dropout .2 -> 128 -> PReLU -> batch norm -> dropout .1 -> classes; the 128 and the dropouts are settings.
"""

import math

from pydantic import Field
from torch import Tensor, nn

from earmark.core.errors import SettingsError
from earmark.models.encoders.encoder import Encoded, EncoderModule
from earmark.models.heads.head import Head, HeadModule
from earmark.models.heads.pooling import mean_over_time


class MeanMax(Head, kind="mean_max"):
    """Mean over the time that is signal, maximum over frequency, a hidden layer, logits."""

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
        self.layers = nn.Sequential(
            nn.Dropout(settings.dropout),
            nn.Linear(n_channels, settings.hidden),
            nn.PReLU(),
            nn.BatchNorm1d(settings.hidden),
            nn.Dropout(settings.hidden_dropout),
            nn.Linear(settings.hidden, n_classes),
        )
        if settings.prior is not None:
            nn.init.constant_(self.layers[-1].bias, math.log(settings.prior / (1 - settings.prior)))  # type: ignore[arg-type]

    def forward(self, encoded: Encoded) -> Tensor:
        if self.training and len(encoded.maps) < 2:
            raise SettingsError(
                "head 'mean_max' learns from how the clips of a batch differ and needs 2 or more, got 1; "
                "raise streams.*.batch_size"
            )
        logits: Tensor = self.layers(mean_over_time(encoded).amax(dim=2))
        return logits
