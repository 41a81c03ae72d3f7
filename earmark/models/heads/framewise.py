"""What heads share that score every frame and then weigh the frames: the settings, and logits frame by frame.

Frame logits say when something is heard, as far as the maps tell time; the clip's logits are made of them.
"""

import math
from abc import ABC
from typing import Literal

import torch
from jaxtyping import Bool, Float
from pydantic import Field
from torch import Tensor, nn

from earmark.core.batch import signal_mask
from earmark.models.encoders.encoder import Encoded
from earmark.models.heads.head import Head, HeadModule


class Framewise(Head, ABC):
    """A head with logits for each frame."""

    bands: Literal["mean", "max"] = "mean"
    """How the rows of a frame become one vector."""
    hidden: int | None = Field(None, ge=1)
    """Units of a layer with ReLU between frames and scores; null: none."""
    dropout: float = Field(0.2, ge=0, lt=1)
    """Share of each frame's channels (and hidden units) dropped in training."""
    prior: float | None = Field(None, gt=0, lt=1)
    """Probability that every class starts from; null starts at one half."""


class FramewiseModule(HeadModule):
    """A head with logits for each frame, at work; a subclass says how they become the clip's."""

    def __init__(self, settings: Framewise, n_channels: int, n_classes: int) -> None:
        super().__init__()
        self.bands = settings.bands
        layers: list[nn.Module] = [nn.Dropout(settings.dropout)]
        if settings.hidden is not None:
            layers += [nn.Linear(n_channels, settings.hidden), nn.ReLU(), nn.Dropout(settings.dropout)]
        self.n_hidden = settings.hidden or n_channels
        self.before = nn.Sequential(*layers)
        self.classes = nn.Linear(self.n_hidden, n_classes)
        if settings.prior is not None:
            nn.init.constant_(self.classes.bias, math.log(settings.prior / (1 - settings.prior)))

    def frames(self, encoded: Encoded) -> Float[Tensor, "batch time classes"]:
        """Logits of each frame of the maps, in float32; those behind a clip's length mean nothing."""
        logits: Tensor = self.classes(self._vectors(encoded))
        return logits.float()

    def _vectors(self, encoded: Encoded) -> Float[Tensor, "batch time units"]:
        """What is known of each frame."""
        maps = encoded.maps
        rows = maps.mean(dim=2, dtype=torch.float32) if self.bands == "mean" else maps.amax(dim=2)
        vectors: Tensor = self.before(rows.transpose(1, 2))
        return vectors


def silent(encoded: Encoded) -> Bool[Tensor, "batch time 1"] | None:
    """Which frames are padding; none where there is none. A clip without signal keeps a frame, so as to be defined."""
    if encoded.lengths is None:
        return None
    return ~signal_mask(encoded.lengths.clamp(min=1), encoded.maps.shape[3])[:, :, None]
