"""What every head is: settings that build a module from an encoder's maps to one logit a class."""

from abc import ABC, abstractmethod

from torch import Tensor, nn

from earmark.core.family import Member
from earmark.models.encoders.encoder import Encoded, EncoderModule


class Head(Member, ABC, family="head"):
    """Settings of a head."""

    @abstractmethod
    def build(self, encoder: EncoderModule, n_classes: int) -> "HeadModule":
        """The module for the maps of this encoder."""


class HeadModule(nn.Module):
    """A head at work."""

    def forward(self, encoded: Encoded) -> Tensor:
        """Logits, [batch, classes]."""
        raise TypeError(f"{type(self).__name__} does not say how it scores")
