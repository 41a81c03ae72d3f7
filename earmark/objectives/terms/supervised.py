"""Learning from labels, whoever gave them."""

from torch import Tensor

from earmark.losses.bce import BCE
from earmark.losses.loss import Loss
from earmark.models.network import Network
from earmark.objectives.look import Look
from earmark.objectives.term import Term, TermModule


class Supervised(Term, kind="supervised"):
    """A loss between the logits of a head and the labels of the stream, where they are known."""

    loss: Loss = BCE()
    """How far logits are from labels."""
    head: str = "main"
    """The head that answers for this stream."""

    @property
    def heads(self) -> tuple[str, ...]:
        return (self.head,)

    def build(self, network: Network) -> "SupervisedModule":
        return SupervisedModule(self)


class SupervisedModule(TermModule):
    """The term itself; it has no state."""

    def __init__(self, settings: Supervised) -> None:
        super().__init__()
        self.settings = settings

    def forward(self, look: Look, streams: tuple[str, ...]) -> Tensor:
        logits = look.logits(streams, head=self.settings.head)
        seen = look.seen(streams)
        return self.settings.loss(logits, seen.targets, seen.known)
