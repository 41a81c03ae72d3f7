"""Learning from labels, whoever gave them."""

from torch import Tensor

from earmark.losses.bce import BCE
from earmark.losses.loss import Loss
from earmark.models.network import Network
from earmark.objectives.look import Look
from earmark.objectives.rejection import Gate, Origins, Outliers, of_origins
from earmark.objectives.term import Term, TermModule


class Supervised(Term, kind="supervised"):
    """A loss between the logits of a head and the labels of the stream, where they are known.

    Where a stream has clips of several origins and each wants a loss of its own, write one part for each with its
    ``origins``: clips of others lose 0 there and still count in the mean, so that the parts add up to a mean over the
    batch. Clips that ``outliers`` or ``gate`` drop do not count: the mean is over those that are kept.
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

    @property
    def heads(self) -> tuple[str, ...]:
        return (self.head,)

    @property
    def losses(self) -> tuple[Loss, ...]:
        return (self.loss,)

    def build(self, network: Network) -> "SupervisedModule":
        return SupervisedModule(self)


class SupervisedModule(TermModule):
    """The term itself; it has no state."""

    def __init__(self, settings: Supervised) -> None:
        super().__init__()
        self.settings = settings

    def forward(self, look: Look, streams: tuple[str, ...]) -> Tensor:
        settings, seen = self.settings, look.seen(streams)
        logits = look.logits(streams, head=settings.head)
        lost = settings.loss(logits, seen.targets, seen.known)
        counted = of_origins(seen.origins, settings.origins) & (seen.weights > 0)
        kept = counted
        if settings.outliers is not None and look.epoch >= settings.outliers.from_epoch:
            kept = kept & settings.outliers.kept(lost, seen.origins, counted)
        if settings.gate is not None:
            kept = kept & settings.gate.kept(logits, seen.targets, seen.known)
        if kept is not counted:
            # Whoever takes the mean divides by the weights of all clips, but here it is to be over those kept.
            lost = lost * ((seen.weights * counted).sum() / (seen.weights * kept).sum().clamp(min=1e-8))
        return lost.where(kept, 0.0)
