"""A stretch of time out of another clip."""

from typing import Annotated, NamedTuple

import torch
from pydantic import Field
from torch import Tensor

from earmark.core.batch import Batch
from earmark.dsp.pieces import place_of
from earmark.signal.augment.mixing.labels import Labels, labels_of
from earmark.signal.augment.mixing.mixing import Mixing
from earmark.signal.augment.mixing.places import along, segment
from earmark.signal.augment.mixing.shares.beta import Beta
from earmark.signal.augment.mixing.shares.share import Share


class CutMixNumbers(NamedTuple):
    """The share of its time that each clip keeps, and where the stretch begins as a share in [0, 1) of the room."""

    share: Tensor
    place: Tensor


class CutMix(Mixing, kind="cut_mix"):
    """A stretch of the clip is replaced by the same stretch of the partner (S. Yun et al., 2019, who cut pictures).

    The stretch lies where both have signal, so a short partner replaces less than the share says; labels go by what
    was replaced. On waves, power, magnitude or features.
    """

    p: Annotated[float, Field(ge=0, le=1)] = 0.5
    """The chance that a clip is mixed."""
    share: Share = Beta()
    """How much of the time that both have a clip keeps."""
    labels: Labels = "linear"
    """Targets mixed by time, or present wherever either clip has them."""

    def numbers(self, n: int, chance: torch.Generator) -> CutMixNumbers:
        return CutMixNumbers(self.share.draw(n, chance), torch.rand(n, generator=chance))

    def mixed(self, own: Batch, mate: Batch, numbers: CutMixNumbers) -> Batch:
        common = torch.minimum(own.lengths, mate.lengths)
        width = ((1.0 - numbers.share) * common).round().long()
        replaced = segment(place_of(numbers.place, common - width), width, own.values.shape[-1])
        return own.changed(
            values=torch.lerp(own.values, mate.values, along(replaced.to(own.values.dtype), own.values)),
            **labels_of(own, mate, self.labels, 1.0 - width / own.lengths),
        )
