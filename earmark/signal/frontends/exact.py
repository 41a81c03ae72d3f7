"""What the modules of all front ends have in common: float32 whatever autocast says, and zeros in the padding."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import nn

from earmark.core.batch import Batch
from earmark.dsp.padding import padding_zeroed


class Exact(nn.Module, ABC):
    """A module from `Batch` to `Batch` that computes in float32 and leaves the padding at exactly zero.

    Levels span ten orders of magnitude, which half precision cannot hold; the front end costs little, so it stays
    out of mixed precision altogether.
    """

    def forward(self, batch: Batch) -> Batch:
        """The batch after this step; nothing of the input is changed in place."""
        with torch.autocast(batch.values.device.type, enabled=False):
            done = self.transformed(batch.changed(values=batch.values.float()))
            return done.changed(values=padding_zeroed(done.values, done.lengths)) if done.padded else done

    @abstractmethod
    def transformed(self, batch: Batch) -> Batch:
        """What this step does; what it leaves in the padding does not matter."""
