"""Two nets, each of which chooses what the other learns from."""

import copy
from typing import Literal

import torch
from jaxtyping import Bool, Float
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from earmark.core.batch import Batch
from earmark.losses.bce import BCE
from earmark.losses.loss import Loss
from earmark.models.network import Network
from earmark.models.statistics import statistics_held
from earmark.objectives.apart import drawn_by
from earmark.objectives.look import Look
from earmark.objectives.rejection import Origins, of_origins
from earmark.objectives.term import Term, TermModule


class CoTeaching(Term, kind="co_teaching"):
    """Co-teaching (B. Han et al., 2018): clips that lose much are probably labelled wrongly, and two nets err on
    different ones; so each learns from those clips of a batch that lose least by the other.

    The second net lives in this term, learns with the first, and is gone in the end; it costs as much again. What
    is lost is the sum of both. Norms of gradients are those of the two together.
    """

    forget: float = Field(0.2, gt=0, lt=1)
    """The share of a batch that is left out in the end: about the share of wrong labels."""
    ramp_epochs: float = Field(10.0, ge=0)
    """Epochs over which that share rises linearly from 0, for early on all losses are large."""
    by: Literal["clip", "label"] = "clip"
    """Whether whole clips are left out, or single labels of clips; the latter are ranked by their cross-entropy."""
    origins: Origins | None = None
    """Whose clips may be left out; null: anybody's."""
    loss: Loss = BCE()
    """How far logits are from labels."""
    start: Literal["fresh", "copied"] = "fresh"
    """Whether the second net begins with other random weights, or as the first one: then, with published or trained
    weights to begin with, it has them too, and only dropout makes the two differ."""
    head: str = Field("main", min_length=1)
    """The head that both answer with."""

    def build(self, network: Network) -> "CoTeachingModule":
        return CoTeachingModule(self, network)


class CoTeachingModule(TermModule):
    """The term itself; its state is the second net, which learns as the student does."""

    def __init__(self, settings: CoTeaching, network: Network) -> None:
        super().__init__()
        self.settings = settings
        self.peer = network.another() if settings.start == "fresh" else copy.deepcopy(network)
        for name in set(self.peer.heads) - {settings.head}:
            del self.peer.heads[name]

    @property
    def students(self) -> tuple[nn.Module, ...]:
        return (self.peer,)

    def forward(self, look: Look, streams: tuple[str, ...]) -> Tensor:
        settings, seen = self.settings, look.seen(streams)
        logits = look.logits(streams, head=settings.head)
        chance = look.chance.at("co_teaching", streams=" ".join(streams))
        # Nobody ever asks the second net as in use, so it needs no running statistics.
        with statistics_held(self.peer), drawn_by(chance, seen.values.device):
            others: Tensor = self.peer(seen, settings.head)
        forget = settings.forget * (min(1.0, look.epoch / settings.ramp_epochs) if settings.ramp_epochs else 1.0)
        small = self._small_labels if settings.by == "label" else self._small_clips
        mine, theirs = small(others.detach(), seen, forget), small(logits.detach(), seen, forget)
        self.signs = {
            "kept": mine.float().mean(),
            "agreement": (mine & theirs).sum() / (mine | theirs).sum().clamp(min=1),
        }
        return self._lost(logits, seen, mine) + self._lost(others, seen, theirs)

    def _small_clips(self, logits: Tensor, seen: Batch, forget: float) -> Bool[Tensor, "batch 1"]:
        lost = self.settings.loss(logits, seen.targets, seen.known)
        counted = seen.weights > 0
        doubtful = counted & of_origins(seen.origins, self.settings.origins)
        return (counted & ~(doubtful & ~smallest(lost, doubtful, 1 - forget)))[:, None]

    def _small_labels(self, logits: Tensor, seen: Batch, forget: float) -> Bool[Tensor, "batch classes"]:
        targets = seen.targets.where(seen.known, 0.0)
        lost = F.binary_cross_entropy_with_logits(logits, targets, reduction="none")
        doubtful = seen.known & (of_origins(seen.origins, self.settings.origins) & (seen.weights > 0))[:, None]
        return seen.known & ~(doubtful & ~smallest(lost, doubtful, 1 - forget))

    def _lost(self, logits: Tensor, seen: Batch, kept: Tensor) -> Tensor:
        """What one net loses by what the other has kept for it; the mean is over the clips that are kept."""
        if self.settings.by == "label":
            return self.settings.loss(logits, seen.targets, kept)
        lost = self.settings.loss(logits, seen.targets, seen.known)
        lost = lost * (seen.weights.sum() / (seen.weights * kept[:, 0]).sum().clamp(min=1e-8))
        return lost.where(kept[:, 0], 0.0)


def smallest(values: Float[Tensor, "..."], among: Bool[Tensor, "..."], share: float) -> Bool[Tensor, "..."]:
    """The smallest of some values: a share of them, rounded up; of equal ones the first. The device is not asked.

    >>> smallest(torch.tensor([3.0, 1.0, 2.0, 0.0]), torch.tensor([True, True, True, False]), 0.6).tolist()
    [False, True, True, False]
    """
    ranked = values.masked_fill(~among, torch.inf).flatten()
    places = torch.empty_like(ranked, dtype=torch.int64)
    places.scatter_(0, ranked.argsort(stable=True), torch.arange(len(ranked), device=ranked.device))
    return (places < torch.ceil(share * among.sum() - 1e-4)).view_as(among) & among
