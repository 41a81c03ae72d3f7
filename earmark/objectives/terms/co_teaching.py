"""Two nets, each of which chooses what the other learns from."""

import copy
from collections.abc import Mapping
from typing import Literal

import torch
from jaxtyping import Bool, Float
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from earmark.core.batch import Batch
from earmark.losses.bce import BCE
from earmark.losses.loss import Loss
from earmark.models.dropout import drawn_by
from earmark.models.network import Network
from earmark.models.statistics import statistics_held
from earmark.objectives.look import Look
from earmark.objectives.rejection import Origins, of_origins
from earmark.objectives.signs import GuessingModule
from earmark.objectives.term import Fault, Term


class CoTeaching(Term, kind="co_teaching"):
    """Co-teaching (B. Han et al., 2018): clips that lose much are probably labelled wrongly, and two nets err on
    different ones; so each learns from those clips of a batch that lose least by the other.

    The second net lives in this term, learns with the first, and is gone in the end; it costs as much again. What
    is lost is the sum of both. Norms of gradients are those of the two together.

    Its signs in the log are how the second net answers, the share that is ``kept``, how much the two choices agree
    (``agreement``, what both keep as a share of what either does) and how much they would by lot (``chance``). Two nets
    that choose alike are one net that believes itself; the log says so.
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


class CoTeachingModule(GuessingModule):
    """The term itself; its state is the second net, which learns as the student does, and the tally of its guesses."""

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
        mine, theirs = (self._small(each.detach(), seen, forget) for each in (others, logits))
        self.tell(look, streams, others.sigmoid())
        self.signs |= {
            "kept": mine.float().mean(),
            "agreement": (mine & theirs).sum() / (mine | theirs).sum().clamp(min=1),
            "chance": by_lot(*self._counted(seen), 1 - forget),
        }
        return self._lost(logits, seen, mine) + self._lost(others, seen, theirs)

    def _counted(self, seen: Batch) -> tuple[Bool[Tensor, "batch any"], Bool[Tensor, "batch any"]]:
        """What counts, and what of it may be left out: whole clips, [batch, 1], or labels, [batch, classes]."""
        there = seen.weights > 0
        clips = (there & of_origins(seen.origins, self.settings.origins))[:, None]
        return (seen.known, seen.known & clips) if self.settings.by == "label" else (there[:, None], clips)

    def _small(self, logits: Tensor, seen: Batch, forget: float) -> Bool[Tensor, "batch any"]:
        """What is kept of what counts: all that may not be left out, and of the rest that which loses least."""
        if self.settings.by == "label":
            targets = seen.targets.where(seen.known, 0.0)
            lost = F.binary_cross_entropy_with_logits(logits, targets, reduction="none")
        else:
            lost = self.settings.loss(logits, seen.targets, seen.known)[:, None]
        counted, doubtful = self._counted(seen)
        return counted & ~(doubtful & ~smallest(lost, doubtful, 1 - forget))

    def fault(self, signs: Mapping[str, float]) -> Fault | None:
        agreement, chance = signs["agreement"], signs["chance"]
        room = 1 - chance  # none where nothing may be left out
        if room > 0.005 and agreement - chance > 0.99 * room:
            words = f"agreement {agreement:.3f}, {chance:.3f} by lot"
            return Fault("alike", f"its two nets choose the same ({words}), so neither mends what the other believes")
        if room > 0.005 and agreement - chance < 0.05 * room:
            words = f"agreement {agreement:.3f}, {chance:.3f} by lot"
            return Fault("lot", f"its two nets choose as if by lot ({words}): one of them has learnt nothing")
        return super().fault(signs)

    def _lost(self, logits: Tensor, seen: Batch, kept: Tensor) -> Tensor:
        """What one net loses by what the other has kept for it; the mean is over the clips that are kept."""
        if self.settings.by == "label":
            return self.settings.loss(logits, seen.targets, kept)
        lost = self.settings.loss(logits, seen.targets, seen.known)
        lost = lost * (seen.weights.sum() / (seen.weights * kept[:, 0]).sum().clamp(min=1e-8))
        return lost.where(kept[:, 0], 0.0)


def by_lot(counted: Bool[Tensor, "..."], doubtful: Bool[Tensor, "..."], share: float) -> Tensor:
    """How much two choices would agree that keep this share of what is doubtful by lot, and all that is not.

    >>> by_lot(torch.ones(4, dtype=torch.bool), torch.tensor([True, True, True, False]), 2 / 3)  # 7/3 of 11/3
    tensor(0.6364)
    """
    n, trusted = doubtful.sum(), (counted & ~doubtful).sum()
    kept = torch.ceil(share * n - 1e-4)
    both = trusted + kept.square() / n.clamp(min=1)
    # Where nothing counts at all, both are 0 and there is nothing to disagree on.
    return torch.where(trusted + kept > 0, both / (trusted + 2 * kept - kept.square() / n.clamp(min=1)), 1.0)


def smallest(values: Float[Tensor, "..."], among: Bool[Tensor, "..."], share: float) -> Bool[Tensor, "..."]:
    """The smallest of some values: a share of them, rounded up; of equal ones the first. The device is not asked.

    >>> smallest(torch.tensor([3.0, 1.0, 2.0, 0.0]), torch.tensor([True, True, True, False]), 0.6).tolist()
    [False, True, True, False]
    """
    ranked = values.masked_fill(~among, torch.inf).flatten()
    places = torch.empty_like(ranked, dtype=torch.int64)
    places.scatter_(0, ranked.argsort(stable=True), torch.arange(len(ranked), device=ranked.device))
    return (places < torch.ceil(share * among.sum() - 1e-4)).view_as(among) & among
