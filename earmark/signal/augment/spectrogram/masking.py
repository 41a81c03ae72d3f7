"""What masks along frequency and along time have in common: where they lie and what they leave behind."""

from __future__ import annotations

from typing import Literal

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from earmark.core.batch import Batch
from earmark.dsp.padding import signal_of

Fill = Literal["zero", "mean", "minimum"]
"""What is put where a mask lies: zeros (silence in power, the mean of normalised features), or the mean or the minimum
of the clip's own picture, in each channel (the minimum is silence in features that are not normalised)."""


def covered(starts: Int[Tensor, "batch masks"], widths: Int[Tensor, "batch masks"], n: int) -> Bool[Tensor, "batch n"]:
    """True where any of the masks of a clip lies, on an axis of ``n`` rows or frames.

    >>> covered(torch.tensor([[1, 3]]), torch.tensor([[1, 9]]), 5).tolist()
    [[False, True, False, True, True]]
    """
    places = torch.arange(n, device=starts.device)
    return ((places >= starts[..., None]) & (places < (starts + widths)[..., None])).any(dim=1)


def hidden(
    batch: Batch, mask: Bool[Tensor, "batch freq_or_1 time_or_1"], fill: Fill
) -> Float[Tensor, "batch channels freq time"]:
    """The values with what lies under the mask replaced; padding stays zero, under a mask too."""
    values, mask = batch.values, mask[:, None]
    if fill == "zero":
        return values.masked_fill(mask, 0.0)
    signal = signal_of(values, batch.lengths)
    if fill == "mean":
        n = batch.lengths.clamp(min=1).view(-1, 1, 1, 1) * values.shape[2]
        filling = values.sum(dim=(2, 3), keepdim=True) / n
    else:
        filling = values.masked_fill(~signal, torch.inf).amin(dim=(2, 3), keepdim=True)
    return torch.where(mask & signal, filling, values)
