"""The same share always."""

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from earmark.signal.augment.mixing.shares.share import Share


class Fixed(Share, kind="fixed"):
    """The same share for every clip."""

    share: Annotated[float, Field(gt=0, lt=1)] = 0.7
    """What the clip keeps."""

    def draw(self, n: int, chance: torch.Generator) -> Tensor:
        return torch.full((n,), self.share)
