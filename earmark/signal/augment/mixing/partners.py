"""Whom a clip is mixed with."""

from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor

from earmark.core.batch import Batch
from earmark.core.settings import Settings
from earmark.signal.augment.laws import partners


class Partner(Settings):
    """The pool that partners come from, and how one is chosen for each clip.

    A clip is its own partner only where there is no other. Guests are nobody's host: they stay as they came.
    """

    stream: Annotated[str, Field(min_length=1)] | None = None
    """The stream whose batch is the pool; null, or the stream that is being mixed: the other clips of the batch."""
    choice: Literal["ring", "uniform", "class_balanced"] = "ring"
    """ring: everybody of the pool is partner as often as the others, give or take one; uniform: anybody, each time
    anew; class_balanced: each class that the pool has is as likely, then anybody who has it."""

    @property
    def guests(self) -> tuple[str, ...]:
        """The stream whose clips must come along as guests, if any."""
        return () if self.stream is None else (self.stream,)

    def draw(self, batch: Batch, chance: torch.Generator) -> Tensor:
        """The partners, as `rows` reads them.

        Returns:
            [batch] rows of the batch; for class_balanced [batch, batch] keys, exponential numbers for every possible
            partner and infinity for the others, because which classes there are is known on the device alone. A guest
            is its own partner.
        """
        n, own, pool = len(batch), batch.n_own, batch.rows_of(self.stream)
        size = pool.stop - pool.start
        within = pool.start == 0
        if self.choice == "class_balanced":
            possible = torch.zeros(n, n, dtype=torch.bool)
            possible[:own, pool] = True
            possible.fill_diagonal_(False)
            possible |= torch.diag(~possible.any(dim=1))
            keys = torch.empty(n, n).exponential_(generator=chance).clamp(min=torch.finfo(torch.float32).tiny)
            return torch.where(possible, keys, torch.inf)
        partner = torch.arange(n)
        if self.choice == "uniform":
            others = torch.randint(max(1, size - within), (own,), generator=chance)
            partner[:own] = (partner[:own] + 1 + others) % own if within else pool.start + others
        elif within:
            partner[:own] = partners(own, chance)
        else:
            order = torch.randperm(size, generator=chance)
            partner[:own] = pool.start + order.repeat(-(-own // size))[:own]
        return partner

    def rows(self, batch: Batch, drawn: Tensor) -> Tensor:
        """The rows of the partners, on the device of the batch.

        Args:
            batch: all clips, the pool among them.
            drawn: what `draw` gave, or some rows of it.
        """
        drawn = drawn.to(batch.values.device, non_blocking=True)
        if self.choice != "class_balanced":
            return drawn
        # An exponential number divided by a weight is smallest with a chance proportional to the weight, and the
        # weight of a clip is the sum over its classes of 1 / (how many possible partners have the class).
        possible = drawn.isfinite().to(batch.targets.dtype)
        claims = batch.targets * batch.known
        found = possible @ claims
        weights = torch.where(found > 0, 1.0 / found, 0.0) @ claims.T * possible
        weights = torch.where(weights.sum(dim=1, keepdim=True) > 0, weights, possible)  # nobody has any class
        return (weights / drawn).argmax(dim=1)
