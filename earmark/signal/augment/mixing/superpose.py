"""A second sound somewhere over the first."""

from typing import Annotated, NamedTuple

import torch
from pydantic import Field
from torch import Tensor

from earmark.core.batch import Batch
from earmark.dsp.pieces import delayed, place_of
from earmark.signal.augment.laws import uniform
from earmark.signal.augment.mixing.labels import labels_of
from earmark.signal.augment.mixing.mixing import Mixing
from earmark.signal.augment.mixing.places import along
from earmark.signal.step import Spec


class SuperposeNumbers(NamedTuple):
    """Where the partner begins, as a share in [0, 1) of the room, and its level, in [-1, 1) of the widest."""

    place: Tensor
    level: Tensor


class Superpose(Mixing, kind="superpose"):
    """The partner is added to the clip at a random place and about as loud; whatever is heard is tagged.

    From J. Ebbers and R. Häb-Umbach (2019). The clip stays where it is. The partner may begin before it or end behind
    it; what of the partner lies before the clip, or beyond the batch, is cut.
    """

    p: Annotated[float, Field(ge=0, le=1)] = 2 / 3
    """The chance that a clip is mixed."""
    peak_ratio: Annotated[float, Field(ge=1)] = 2.0
    """The partner's peak becomes that of the clip times something between 1 / peak_ratio and this, even in decibels."""
    longest_ratio: Annotated[float, Field(gt=0)] = 1.1
    """The partner is cut to at most so many times the length of the clip."""
    least_overlap: Annotated[float, Field(ge=0, le=1)] = 0.5
    """The part of the shorter of the two that surely lies over the other, so that both are heard."""

    def after(self, spec: Spec) -> Spec:
        return self.takes(spec, "wave")

    def numbers(self, n: int, chance: torch.Generator) -> SuperposeNumbers:
        return SuperposeNumbers(torch.rand(n, generator=chance), uniform(-1.0, 1.0, n, chance))

    def mixed(self, own: Batch, mate: Batch, numbers: SuperposeNumbers) -> Batch:
        n = own.lengths
        m = torch.minimum(mate.lengths, (n * self.longest_ratio).long().clamp(min=1))
        overlap = (torch.minimum(n, m) * self.least_overlap).ceil().long().clamp(min=1)
        start = overlap - m + place_of(numbers.place, n + m - 2 * overlap)
        peak, loud = (each.values.abs().amax(dim=-1) for each in (own, mate))
        # Beside silence nothing can be as loud: the partner then stays as it is.
        scale = torch.where((peak > 0) & (loud > 0), peak / loud, 1.0) * self.peak_ratio**numbers.level
        values = torch.addcmul(own.values, delayed(mate.values, m, start), along(scale, own.values))
        lengths = torch.maximum(n, start + m).clamp(max=own.values.shape[-1])
        return own.changed(values=values, lengths=lengths, **labels_of(own, mate, "union"))
