"""Which clips of a batch count: those of some origins, those whose labels are believed, those not yet learned.

All of it is decided on the device, from masks and without a look at their values, so that the step does not wait.
"""

from typing import Annotated

import torch
from jaxtyping import Bool, Float, Int
from pydantic import AfterValidator, Field
from torch import Tensor

from earmark.core.manifest import ORIGINS
from earmark.core.settings import Settings, nearest


def _known_origins(origins: tuple[str, ...]) -> tuple[str, ...]:
    for origin in origins:
        if origin not in ORIGINS:
            raise ValueError(f"no origin '{origin}'; {nearest(origin, ORIGINS)}")
    return origins


Origins = Annotated[tuple[str, ...], Field(min_length=1), AfterValidator(_known_origins)]
"""Names of origins, at least one."""


def of_origins(origins: Int[Tensor, " batch"], names: tuple[str, ...] | None) -> Bool[Tensor, " batch"]:
    """Which clips are of one of these origins; null names all of them."""
    mask = torch.full_like(origins, names is None, dtype=torch.bool)
    for name in names or ():
        mask = mask | (origins == ORIGINS.index(name))
    return mask


class Outliers(Settings):
    """Clips with the largest losses of a batch are taken for wrongly labelled and dropped, once the net knows enough.

    Source: Baikulov's system for Freesound Audio Tagging 2019 drops noisy clips so; others ignore clips of high loss.
    """

    share_of_max: float = Field(0.8, gt=0, le=1)
    """Clips that lose more than this share of the largest loss in the batch are dropped."""
    from_epoch: float = Field(0.0, ge=0)
    """Before it everything counts: early on, all losses are large."""
    origins: Origins | None = ("noisy",)
    """Whose clips may be dropped; null: anybody's. The largest loss is that of all clips."""

    def kept(
        self, lost: Float[Tensor, " batch"], origins: Int[Tensor, " batch"], counted: Bool[Tensor, " batch"]
    ) -> Bool[Tensor, " batch"]:
        """Which clips are not dropped; only those that count have a say in what the largest loss is."""
        lost = lost.detach().where(counted, 0.0)
        return ~((lost > self.share_of_max * lost.max()) & of_origins(origins, self.origins))


class Gate(Settings):
    """Only clips that are not yet answered well count, by the F measure of the labels that score above a threshold.

    Source: mnpinto's system for Freesound Audio Tagging 2019, where clips with an F2 of 1 no longer count. An F of 1
    means just the right labels, whatever ``beta``; where labels are shares of a mixture none is reached.
    """

    beta: float = Field(2.0, gt=0)
    """How much more a missing label matters than a wrong one."""
    threshold: float = Field(0.2, gt=0, lt=1)
    """The probability above which a class is taken for present."""
    below: float = Field(1.0, gt=0, le=1)
    """Clips count while their F is less than this."""

    def kept(
        self,
        logits: Float[Tensor, "batch classes"],
        targets: Float[Tensor, "batch classes"],
        known: Bool[Tensor, "batch classes"],
    ) -> Bool[Tensor, " batch"]:
        """Which clips still count; one without labels has an F of 0 and does."""
        said = ((logits.detach().sigmoid() > self.threshold) & known).float()
        targets = targets.where(known, 0.0)
        both, square = (said * targets).sum(dim=1), self.beta**2
        either = square * targets.sum(dim=1) + said.sum(dim=1)
        return (1 + square) * both / either.clamp(min=1e-8) < self.below
