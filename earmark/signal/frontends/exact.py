"""What the modules of front ends have in common: float32 whatever autocast says, and zeros in the padding."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from earmark.core.batch import Batch
from earmark.dsp.padding import padding_zeroed
from earmark.dsp.threads import side_by_side


class Exact(nn.Module, ABC):
    """A module from `Batch` to `Batch` that computes in float32, mixed precision or not.

    Levels span ten orders of magnitude, which half precision cannot hold, and a front end costs little next to a
    model.
    """

    def forward(self, batch: Batch) -> Batch:
        """The batch after this step; nothing of the input is changed in place."""
        with torch.autocast(batch.values.device.type, enabled=False):
            return self.transformed(batch.changed(values=batch.values.float()))

    @abstractmethod
    def transformed(self, batch: Batch) -> Batch:
        """What this step does; the padding comes in as zeros and goes out as zeros."""


class ToFeatures(Exact, ABC):
    """A step from power or features to features of the same shape, without parameters to train.

    A CPU takes the clips one by one, without their padding, which keeps each in its cache; an accelerator, and whoever
    wants a gradient, takes the batch as a whole.
    """

    def transformed(self, batch: Batch) -> Batch:
        values = batch.values
        if values.device.type != "cpu" or (torch.is_grad_enabled() and values.requires_grad):
            made = self.features(values, batch.lengths if batch.padded else None, batch.origins)
            made = padding_zeroed(made, batch.lengths) if batch.padded else made
            return batch.changed(values=made, domain="features")
        made = torch.empty_like(values)

        def fill(clip: int) -> None:
            one = slice(clip, clip + 1)
            n = lengths[clip]
            made[one, ..., :n] = self.features(values[one, ..., :n], None, batch.origins[one])
            made[one, ..., n:] = 0.0

        lengths = batch.lengths.tolist()
        side_by_side(fill, range(len(batch)))
        return batch.changed(values=made, domain="features")

    @abstractmethod
    def features(
        self,
        values: Float[Tensor, "batch channels freq time"],
        lengths: Int[Tensor, " batch"] | None,
        origins: Int[Tensor, " batch"],
    ) -> Float[Tensor, "batch channels freq time"]:
        """The values after this step; ``lengths`` is none where nothing is padded, and what is left in padding is of
        no account."""
