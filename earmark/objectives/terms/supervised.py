"""Learning from labels, whoever gave them."""

from collections.abc import Mapping
from pathlib import Path

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from earmark.core.batch import Batch
from earmark.losses.bce import BCE
from earmark.losses.loss import Loss
from earmark.models.network import Network
from earmark.objectives.look import Look
from earmark.objectives.material import Material, named
from earmark.objectives.missing import MissingLabels, MissingModule
from earmark.objectives.rejection import Gate, Origins, Outliers, of_origins
from earmark.objectives.term import Fault, Term, TermModule
from earmark.schedules.schedule import Place


class Supervised(Term, kind="supervised"):
    """A loss between the logits of a head and the labels of the stream, where they are known.

    Where a stream has clips of several origins and each wants a loss of its own, write one part for each with its
    ``origins``: clips of others lose 0 there and still count in the mean, so that the parts add up to a mean over the
    batch. Clips that ``outliers`` or ``gate`` drop do not count: the mean is over those that are kept.

    Its signs in the log are, with ``missing``, the share of the absent labels that is ignored (``ignored``), and with
    ``outliers`` or ``gate`` that of the clips that are dropped, of those that may be (``dropped``).
    """

    loss: Loss = BCE()
    """How far logits are from labels."""
    head: str = "main"
    """The head that answers for this stream."""
    origins: Origins | None = None
    """Whose clips it learns from; null: everybody's."""
    outliers: Outliers | None = None
    """Drops clips whose labels are probably wrong; null: none."""
    gate: Gate | None = None
    """Drops clips that are answered well already; null: none."""
    missing: MissingLabels | None = None
    """Ignores absent labels that are probably missing; null: none."""

    def files(self, fold: int | None) -> tuple[Path, ...]:
        return (self.missing.guesses.path(fold),) if self.missing and self.missing.guesses else ()

    def build(self, network: Network) -> "SupervisedModule":
        return SupervisedModule(self)


class SupervisedModule(TermModule):
    """The term itself; its only state is what it knows of missing labels."""

    def __init__(self, settings: Supervised) -> None:
        super().__init__()
        self.settings = settings
        self.missing = MissingModule(settings.missing) if settings.missing else None

    def meet(self, material: Material, streams: tuple[str, ...]) -> None:
        if self.missing is not None:
            self.notes = self.missing.meet(material, streams, named(streams))

    def forward(self, look: Look, streams: tuple[str, ...]) -> Tensor:
        settings = self.settings
        self.signs = {}
        seen, logits = self._believed(look, streams)
        lost = settings.loss(logits, seen.targets, seen.known)
        counted = of_origins(seen.origins, settings.origins) & (seen.weights > 0)
        if settings.outliers is None and settings.gate is None:
            return lost.where(counted, 0.0)
        kept = self._kept(lost, logits, seen, counted, look.epoch)
        # Whoever takes the mean divides by the weights of all clips, but here it is to be over those kept.
        lost = lost * ((seen.weights * counted).sum() / (seen.weights * kept).sum().clamp(min=1e-8))
        return lost.where(kept, 0.0)

    def _kept(
        self,
        lost: Float[Tensor, " batch"],
        logits: Float[Tensor, "batch classes"],
        seen: Batch,
        counted: Bool[Tensor, " batch"],
        epoch: float,
    ) -> Bool[Tensor, " batch"]:
        """Which of the clips that count are not dropped."""
        outliers, gate = self.settings.outliers, self.settings.gate
        kept, doubtful = counted, counted
        if outliers is not None and epoch >= outliers.from_epoch:
            kept = kept & outliers.kept(lost, seen.origins, counted)
        if gate is not None:
            kept = kept & gate.kept(logits, seen.targets, seen.known)
        elif outliers is not None:
            doubtful = counted & of_origins(seen.origins, outliers.origins)
        self.signs["dropped"] = (doubtful & ~kept).sum() / doubtful.sum().clamp(min=1)
        return kept

    def _believed(self, look: Look, streams: tuple[str, ...]) -> tuple[Batch, Tensor]:
        """The clips with the labels that are believed, and the student's logits."""
        missing, head = self.missing, self.settings.head
        if missing is None:
            return look.seen(streams), look.logits(streams, head=head)
        seen, logits = look.relabelled(streams, lambda _, batch: missing.believed(batch, look.epoch), head=head)
        if missing.remembers:
            self.note(look, streams, missing.register.rows(seen), look.said(streams, head))
        given = [look.batches[stream] for stream in streams]
        absent = sum(((batch.targets <= 0) & batch.known).sum() for batch in given)
        ignored = sum((batch.known & ~missing.believed(batch, look.epoch).known).sum() for batch in given)
        self.signs["ignored"] = ignored / torch.as_tensor(absent).clamp(min=1)
        return seen, logits

    def fault(self, signs: Mapping[str, float]) -> Fault | None:
        missing, ignored, dropped = self.settings.missing, signs.get("ignored", 0.0), signs.get("dropped", 0.0)
        if missing is not None and ignored > missing.most_ignored:
            asked = "" if missing.share is None else f", where {100 * missing.share:.3g} % were to be"
            words = f"{100 * ignored:.1f} % of the absent labels{asked}"
            return Fault("ignored", f"it ignores {words}, so it hardly hears any more what is not there")
        if dropped > 0.95:
            words = f"{100 * dropped:.1f} % of the clips that may be dropped"
            return Fault("dropped", f"it drops {words}, so hardly any of them is learnt from")
        return None

    def after_step(self, network: Network, place: Place) -> None:
        if self.missing is not None:
            for rows, said in self.noted():
                self.missing.take(rows, said)
            self.missing.after_step(place)
