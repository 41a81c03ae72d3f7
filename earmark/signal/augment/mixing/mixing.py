"""The root of the steps that make one clip of two, and what they all do: who is mixed with whom, and in place of whom.

A member says what it draws for each clip (`Mixing.numbers`) and what it makes of pairs of clips (`Mixing.mixed`).
"""

from abc import ABC, abstractmethod
from typing import Annotated, Any, NamedTuple

import torch
from pydantic import Field
from torch import Tensor

from earmark.core.batch import Batch
from earmark.dsp.clipwise import all_at_once
from earmark.dsp.threads import side_by_side
from earmark.signal.augment.laws import hits
from earmark.signal.augment.mixing.partners import Partner
from earmark.signal.step import Augment, Draw, Spec

_MIXED = ("values", "lengths", "targets", "known", "weights")
_VALUES = 1 << 19
"""How many values a processor mixes at a time."""


class MixingDraw(NamedTuple):
    """Whether each clip is mixed, with whom (`Partner.draw`), and the numbers of the technique."""

    hit: Tensor
    partner: Tensor
    numbers: Any


class Mixing(Augment, ABC):
    """A step that puts something of a partner into each clip it hits; origin and id stay those of the clip."""

    p: Annotated[float, Field(ge=0, le=1)] = 0.5
    """The chance that a clip is mixed."""
    partner: Partner = Partner()
    """Whom it is mixed with."""

    @property
    def guests(self) -> tuple[str, ...]:
        return self.partner.guests

    @property
    def softens(self) -> bool:
        return getattr(self, "labels", "union") == "linear"

    @property
    def mixes(self) -> bool:
        return True

    @property
    def reads_labels(self) -> bool:
        return self.partner.choice == "class_balanced"

    def after(self, spec: Spec) -> Spec:
        return spec

    @abstractmethod
    def numbers(self, n: int, chance: torch.Generator) -> Draw:
        """What the technique draws: a flat named tuple of CPU tensors, one row for each of n clips."""

    @abstractmethod
    def mixed(self, own: Batch, mate: Batch, numbers: Any) -> Batch:
        """The clips with something of their partners, each pair for itself, as wide and of the type they were.

        Args:
            mate: the partners, row by row, under the names of the clips themselves.
            numbers: what `numbers` drew for these clips, on their device.
        """

    def draw(self, batch: Batch, chance: torch.Generator) -> MixingDraw:
        hit = hits(self.p, len(batch), chance)
        hit[batch.n_own :] = False
        return MixingDraw(hit, self.partner.draw(batch, chance), self.numbers(len(batch), chance))

    def apply(self, batch: Batch, draw: Draw) -> Batch:
        hit, partner, numbers = MixingDraw(*draw)
        hosts = hit.nonzero()[:, 0]
        if not len(hosts):
            return batch
        made = {name: self._place(getattr(batch, name), bool(hit.all())) for name in _MIXED}

        def mix(some: Tensor) -> None:
            rows, theirs = some.to(batch.values.device, non_blocking=True), self.partner.rows(batch, partner[some])
            ids = tuple(batch.ids[i] for i in some.tolist())
            own = batch.changed(**_rows(batch, rows), ids=ids, guests=())
            mate = own.changed(**_rows(batch, theirs))
            drawn = (part[some].to(batch.values.device, non_blocking=True) for part in numbers)
            out = self.mixed(own, mate, type(numbers)(*drawn))
            for name, values in made.items():
                values.index_copy_(0, rows, getattr(out, name))

        if all_at_once(batch.values, batch.targets):
            mix(hosts)
        else:  # Partners may lie anywhere in the batch, so rows are not worked on where they lie.
            n = max(1, _VALUES // batch.values[0].numel())
            side_by_side(mix, [hosts[start : start + n] for start in range(0, len(hosts), n)])
        return batch.changed(**made)

    @staticmethod
    def _place(values: Tensor, everybody: bool) -> Tensor:
        """Where the mixtures go: between the clips that are not mixed."""
        return torch.empty_like(values) if everybody else values.clone()


def _rows(batch: Batch, rows: Tensor) -> dict[str, Tensor]:
    return {name: getattr(batch, name).index_select(0, rows) for name in (*_MIXED, "origins")}
