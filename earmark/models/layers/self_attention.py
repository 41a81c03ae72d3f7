"""Attention between the places of a map without a softmax, which costs no more than a convolution."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from earmark.models.layers.masks import Lengths


class SimpleSelfAttention(nn.Module):
    """x + g (x x' / n) W x, with x [channels, places], n places, a matrix W of spectral norm 1 and a learned scale g.

    S. Doria's simple self-attention (2019), as fast.ai's xresnets have it. Theirs is x (x' W x), places by places; the
    product is the same in either order, and channels by channels is the smaller one. Theirs also sums over places,
    which for clips of any length would make long ones louder: here it is the mean.

    Args:
        n_channels: of the maps.
        scale: what g starts from.
    """

    def __init__(self, n_channels: int, scale: float) -> None:
        super().__init__()
        matrix = nn.Linear(n_channels, n_channels, bias=False)
        nn.init.kaiming_normal_(matrix.weight)
        self.matrix = spectral_norm(matrix)
        self.scale = nn.Parameter(torch.full((1,), scale))

    def forward(
        self, values: Float[Tensor, "batch channels freq time"], lengths: Lengths
    ) -> Float[Tensor, "batch channels freq time"]:
        """The maps with what all places say to each; padding must be zero, so that it says nothing, and stays so."""
        places = values.flatten(2)
        n: int | Tensor = places.shape[2]
        if lengths is not None:
            n = (lengths.clamp(min=1) * values.shape[2])[:, None, None].to(values.dtype)
        between = torch.bmm(places / n, places.transpose(1, 2))
        heard = torch.bmm(between, self.matrix(places.transpose(1, 2)).transpose(1, 2))
        return (values + self.scale * heard.view_as(values)).to(values.dtype)
