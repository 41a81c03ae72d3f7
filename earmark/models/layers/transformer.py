"""The layer of a transformer, and codes that say where a token stands.

Tokens are [batch, tokens, width]. The order of tokens means nothing to attention: whatever is known of their place is
added to them as a code.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional as F


class TransformerLayer(nn.Module):
    """Attention, then two linear layers, each after a layer norm and added to what came in (A. Vaswani et al., 2017).

    Args:
        width: numbers in a token.
        n_heads: heads of the attention; they divide the width.
        mlp_ratio: units between the two linear layers, as a multiple of the width.
        dropout: share dropped in training of what each half adds.
    """

    def __init__(self, width: int, n_heads: int, mlp_ratio: float, dropout: float) -> None:
        super().__init__()
        n_hidden = max(1, round(width * mlp_ratio))
        self.n_heads = n_heads
        self.attention_norm = nn.LayerNorm(width)
        self.project = nn.Linear(width, 3 * width)
        self.merge = nn.Linear(width, width)
        self.mlp_norm = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, n_hidden), nn.GELU(), nn.Linear(n_hidden, width))
        self.dropout = nn.Dropout(dropout)

    def forward(
        self, tokens: Float[Tensor, "batch tokens width"], heard: Bool[Tensor, "batch tokens"] | None
    ) -> Float[Tensor, "batch tokens width"]:
        """The tokens after one layer; ``heard`` is false for padding, which nobody listens to."""
        tokens = tokens + self.dropout(self._attended(self.attention_norm(tokens), heard))
        changed: Tensor = tokens + self.dropout(self.mlp(self.mlp_norm(tokens)))
        return changed

    def _attended(self, tokens: Tensor, heard: Tensor | None) -> Tensor:
        queries, keys, values = self.project(tokens).unflatten(2, (3, self.n_heads, -1)).permute(2, 0, 3, 1, 4)
        mask = None if heard is None else heard[:, None, None, :]
        found = F.scaled_dot_product_attention(queries, keys, values, attn_mask=mask)
        merged: Tensor = self.merge(found.transpose(1, 2).flatten(2))
        return merged


class LearnedCode(nn.Module):
    """One learned vector for each of the first places; whatever lies behind them has the code of the last."""

    def __init__(self, n_places: int, width: int) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.empty(n_places, width))
        nn.init.trunc_normal_(self.table, std=0.02)

    def forward(self, places: Tensor) -> Tensor:
        """The codes of places [...], counted from 0, as [..., width]."""
        return self.table[places.clamp(max=len(self.table) - 1)]


class SinusoidalCode(nn.Module):
    """Sines and cosines of any place, at wavelengths from 2 pi to 10,000 times that; their common gain is learned.

    Source: A. Vaswani et al., 2017, section 3.5.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width
        self.gain = nn.Parameter(torch.tensor(0.1))

    def forward(self, places: Tensor) -> Tensor:
        """The codes of places [...], counted from 0, as [..., width]."""
        steps = torch.arange((self.width + 1) // 2, device=places.device, dtype=torch.float32)
        angles = places[..., None].float() * torch.exp(steps * (-2 * math.log(10_000) / self.width))
        waves = torch.stack((angles.sin(), angles.cos()), dim=-1).flatten(-2)
        return self.gain * waves[..., : self.width]
