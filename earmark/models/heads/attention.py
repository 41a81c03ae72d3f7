"""Attention over time: each frame scores the classes, and learned weights say how much it counts.

After Q. Kong et al., "Audio Set classification with attention model" (2018) and the attention block of their PANNs
(2020). They sum weighted probabilities; here logits are summed unless ``of`` says otherwise.
"""

from typing import Literal

from torch import Tensor, nn
from torch.nn import functional as F

from earmark.models.encoders.encoder import Encoded, EncoderModule
from earmark.models.heads.framewise import Framewise, FramewiseModule, silent


class Attention(Framewise, kind="attention"):
    """Frame logits, weighted by what a second layer finds worth hearing.

    The block of the PANNs is ``{of: probabilities, bands: mean, hidden: N, dropout: 0.5}`` with N the channels.
    """

    weights: Literal["classes", "shared"] = "classes"
    """Whether every class has weights of its own over time, or all share theirs."""
    of: Literal["logits", "probabilities"] = "logits"
    """What is weighted and summed; the logit of a sum of probabilities is finite, however sure the frames are."""
    bounded: bool = True
    """Whether a tanh keeps any frame from counting more than e squared times another, as the PANNs have it."""

    def build(self, encoder: EncoderModule, n_classes: int) -> "AttentionModule":
        return AttentionModule(self, encoder.n_channels, n_classes)


class AttentionModule(FramewiseModule):
    """The head itself."""

    def __init__(self, settings: Attention, n_channels: int, n_classes: int) -> None:
        super().__init__(settings, n_channels, n_classes)
        self.settings = settings
        # Without the tanh a bias would move all frames alike, which the softmax undoes.
        n_weights = n_classes if settings.weights == "classes" else 1
        self.weigh = nn.Linear(self.n_hidden, n_weights, bias=settings.bounded)

    def forward(self, encoded: Encoded) -> Tensor:
        vectors, padding = self._vectors(encoded), silent(encoded)
        logits, worth = self.classes(vectors).float(), self.weigh(vectors).float()
        worth = worth.tanh() if self.settings.bounded else worth
        worth = (worth if padding is None else worth.masked_fill(padding, float("-inf"))).log_softmax(dim=1)
        if self.settings.of == "logits":
            summed: Tensor = (worth.exp() * logits).sum(dim=1)
        else:
            present, absent = worth + F.logsigmoid(logits), worth + F.logsigmoid(-logits)
            summed = present.logsumexp(dim=1) - absent.logsumexp(dim=1)
        return summed
