"""From maps to one vector a clip: means and maxima over the frames that are signal, in float32.

bfloat16 cannot count beyond 256, so sums are float32 whatever the encoder computed in.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from earmark.core.batch import signal_mask
from earmark.models.encoders.encoder import Encoded


def mean_over_time(encoded: Encoded) -> Float[Tensor, "batch channels freq"]:
    """The mean over the frames that are signal; zero where there is none."""
    maps, lengths = encoded.maps, encoded.lengths
    if lengths is None:
        return maps.mean(dim=3, dtype=torch.float32)
    mask = signal_mask(lengths, maps.shape[3])[:, None, None, :].to(maps.dtype)
    return (maps * mask).sum(dim=3, dtype=torch.float32) / lengths.clamp(min=1)[:, None, None]


def max_over_time(encoded: Encoded) -> Float[Tensor, "batch channels freq"]:
    """The maximum over the frames that are signal; zero where there is none."""
    maps, lengths = encoded.maps, encoded.lengths
    if lengths is None:
        return maps.amax(dim=3).float()
    mask = signal_mask(lengths, maps.shape[3])[:, None, None, :]
    found = maps.masked_fill(~mask, -torch.inf).amax(dim=3).float()
    return found.masked_fill((lengths < 1)[:, None, None], 0.0)
