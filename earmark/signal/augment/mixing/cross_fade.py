"""One clip turns into the other."""

from typing import Annotated, NamedTuple, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor

from earmark.core.batch import Batch
from earmark.signal.augment.mixing.labels import Labels, labels_of
from earmark.signal.augment.mixing.mixing import Mixing
from earmark.signal.augment.mixing.places import along
from earmark.signal.ranges import in_order


class CrossFadeNumbers(NamedTuple):
    """How steep the fade is, a whole number."""

    steepness: Tensor


class CrossFade(Mixing, kind="cross_fade"):
    """The partner fades out while the clip fades in, each along its own length; whatever is heard is tagged.

    The clip is multiplied by ``sigmoid(linspace(-r, r))`` and the partner by what is missing from it to 1, after the
    mixer of R. Baikulov (2019), who has clips of one length. On waves, power, magnitude or features.
    """

    p: Annotated[float, Field(ge=0, le=1)] = 0.5
    """The chance that a clip is mixed."""
    flattest: Annotated[int, Field(ge=1)] = 3
    """The smallest r: the fade takes about the whole clip."""
    steepest: Annotated[int, Field(ge=1)] = 12
    """The largest r: the fade takes about a third; all whole numbers in between are as likely."""
    labels: Labels = "union"
    """Targets present wherever either clip has them, or the mean of the two."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        return in_order(self, ("flattest", "steepest"))

    def numbers(self, n: int, chance: torch.Generator) -> CrossFadeNumbers:
        return CrossFadeNumbers(torch.randint(self.flattest, self.steepest + 1, (n,), generator=chance))

    def mixed(self, own: Batch, mate: Batch, numbers: CrossFadeNumbers) -> Batch:
        rise = _rising(own, numbers.steepness)
        if own.padded:
            values = rise * own.values + _rising(mate, -numbers.steepness) * mate.values
        else:  # all are of one length, so what one clip leaves is what the other gets
            values = torch.lerp(mate.values, own.values, rise)
        lengths = torch.maximum(own.lengths, mate.lengths)
        return own.changed(values=values, lengths=lengths, **labels_of(own, mate, self.labels))


def _rising(batch: Batch, steepness: Tensor) -> Tensor:
    """From nearly 0 at the start of each clip to nearly 1 at its end, or back where the steepness is negative."""
    place = torch.arange(batch.values.shape[-1], device=batch.values.device)
    slope = 2.0 * steepness / (batch.lengths - 1).clamp(min=1)
    rising = torch.sigmoid(torch.addcmul(-steepness[:, None].to(slope.dtype), slope[:, None], place.to(slope.dtype)))
    return along(rising.to(batch.values.dtype), batch.values)
