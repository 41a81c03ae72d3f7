"""Linear softmax pooling: frames count as much as they are sure (Y. Wang, J. Li, F. Metze, 2019).

A class has the probability sum(p^2) / sum(p) over the frames, which trains every frame in the right direction and
suits long clips with short events better than a mean (which dilutes) or a maximum (which teaches one frame). It is
worked out from logits, so that it stays finite where all frames are sure.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from earmark.models.encoders.encoder import Encoded, EncoderModule
from earmark.models.heads.framewise import Framewise, FramewiseModule, silent


class LinearSoftmax(Framewise, kind="linear_softmax"):
    """Frame probabilities, each weighted by itself."""

    def build(self, encoder: EncoderModule, n_classes: int) -> "LinearSoftmaxModule":
        return LinearSoftmaxModule(self, encoder.n_channels, n_classes)


class LinearSoftmaxModule(FramewiseModule):
    """The head itself."""

    def forward(self, encoded: Encoded) -> Tensor:
        return linear_softmax(self.frames(encoded), silent(encoded))


def linear_softmax(logits: Tensor, padding: Tensor | None = None) -> Tensor:
    """The logit of sum(p^2) / sum(p) over dim 1 of logits [batch, time, classes], leaving out what is padding.

    >>> round(float(linear_softmax(torch.tensor([[[0.0], [0.0]]]))), 6)
    0.0
    """
    present, absent = F.logsigmoid(logits), F.logsigmoid(-logits)
    if padding is not None:
        present = present.masked_fill(padding, float("-inf"))
    # sum(p^2) / sum(p) against sum(p (1 - p)) / sum(p): the divisor falls out of the odds.
    return torch.logsumexp(2 * present, dim=1) - torch.logsumexp(present + absent, dim=1)
