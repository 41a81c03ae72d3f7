"""What the modules of front ends have in common: float32 whatever autocast says, and zeros in the padding."""

from __future__ import annotations

from abc import ABC, abstractmethod

from jaxtyping import Float, Int
from torch import Tensor, nn

from earmark.core.batch import Batch
from earmark.dsp.clipwise import Some, clipwise
from earmark.dsp.precision import in_full


class Exact(nn.Module, ABC):
    """A module from `Batch` to `Batch` that computes in float32, mixed precision or not.

    Levels span ten orders of magnitude, which half precision cannot hold, and a front end costs little next to a
    model.
    """

    def forward(self, batch: Batch) -> Batch:
        """The batch after this step; nothing of the input is changed in place."""
        with in_full(batch.values.device):
            return self.transformed(batch.changed(values=batch.values.float()))

    @abstractmethod
    def transformed(self, batch: Batch) -> Batch:
        """What this step does; the padding comes in as zeros and goes out as zeros."""


class ToFeatures(Exact, ABC):
    """A step from power or features to features in as many bands and frames, without parameters to train."""

    def transformed(self, batch: Batch) -> Batch:
        def features(values: Tensor, some: Some) -> Tensor:
            return self.features(values, some.lengths, batch.origins[some.rows])

        shape = (self.n_channels(batch.values.shape[1]), batch.values.shape[2])
        made = clipwise(features, batch.values, batch.lengths if batch.padded else None, shape=shape)
        return batch.changed(values=made, domain="features")

    def n_channels(self, came: int) -> int:
        """How many channels go out when so many come in."""
        return came

    @abstractmethod
    def features(
        self,
        values: Float[Tensor, "batch channels freq time"],
        lengths: Int[Tensor, " batch"] | None,
        origins: Int[Tensor, " batch"],
    ) -> Float[Tensor, "batch more_channels freq time"]:
        """The values after this step; ``lengths`` is none where nothing is padded, and what is left in padding is of
        no account."""
