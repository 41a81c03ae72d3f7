"""Two clips in one."""

from typing import Annotated, Literal, NamedTuple

import torch
from pydantic import Field
from torch import Tensor

from earmark.core.batch import Batch
from earmark.signal.augment.laws import beta, hits, partners
from earmark.signal.step import Augment, Draw, Spec


class MixupDraw(NamedTuple):
    """Whom each clip is mixed with [batch] and the share that it keeps itself [batch]: itself and 1 if not mixed."""

    partner: Tensor
    share: Tensor


class Mixup(Augment, kind="mixup"):
    """``share · clip + (1 - share) · partner``; the partner is another clip of the batch (H. Zhang et al., 2018).

    It mixes whatever it is given: waves, power or features, the latter being no sum of sounds. The mixture is as long
    as the longer of the two; origin and id stay those of the clip.
    """

    p: Annotated[float, Field(ge=0, le=1)] = 0.5
    """The chance that a clip is mixed."""
    alpha: Annotated[float, Field(gt=0)] = 1.0
    """The share is drawn from Beta(alpha, alpha): 1 is even, below 1 one of the two prevails, above they are alike."""
    labels: Literal["linear", "union"] = "linear"
    """Targets mixed like the sound, or present wherever either clip has them (whoever hears both tags both)."""

    def after(self, spec: Spec) -> Spec:
        return spec

    def draw(self, batch: Batch, chance: torch.Generator) -> MixupDraw:
        n = len(batch)
        hit = hits(self.p, n, chance)
        partner, share = partners(n, chance), beta(self.alpha, n, chance)
        return MixupDraw(torch.where(hit, partner, torch.arange(n)), torch.where(hit, share, 1.0))

    def apply(self, batch: Batch, draw: Draw) -> Batch:
        partner, share = (part.to(batch.values.device, non_blocking=True) for part in MixupDraw(*draw))
        values = batch.values
        targets, known = self._labels(batch, partner, share)
        return batch.changed(
            values=torch.lerp(values[partner], values, share.to(values.dtype).view(-1, *[1] * (values.ndim - 1))),
            lengths=torch.maximum(batch.lengths, batch.lengths[partner]),
            targets=targets,
            known=known,
            weights=torch.lerp(batch.weights[partner], batch.weights, share),
        )

    def _labels(self, batch: Batch, partner: Tensor, share: Tensor) -> tuple[Tensor, Tensor]:
        """Targets and which of them are known: those that both clips know and, in a union, those certain from one."""
        both = batch.known & batch.known[partner]
        if self.labels == "linear":
            return torch.lerp(batch.targets[partner], batch.targets, share[:, None]), both
        claims = batch.targets * batch.known
        targets = torch.maximum(claims, claims[partner])
        known = both | (targets >= 1)
        return torch.where(known, targets, batch.targets), known
