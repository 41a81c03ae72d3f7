"""What every term is: settings that build a module with a loss for each clip and, perhaps, state of its own."""

from abc import ABC, abstractmethod

from torch import Tensor, nn

from earmark.core.family import Member
from earmark.losses.loss import Loss
from earmark.models.network import Network
from earmark.objectives.look import Look


class Term(Member, ABC, family="term"):
    """Settings of a term."""

    @property
    def heads(self) -> tuple[str, ...]:
        """Heads of the network that the term asks for by name."""
        return ("main",)

    @property
    def losses(self) -> tuple[Loss, ...]:
        """Losses that it holds against the labels of its streams."""
        return ()

    @abstractmethod
    def build(self, network: Network) -> "TermModule":
        """The module; it may copy the network, never keep it, since whose parameters are trained must stay plain."""


class TermModule(nn.Module):
    """A term at work."""

    def forward(self, look: Look, streams: tuple[str, ...]) -> Tensor:
        """A loss for each clip of these streams, [batch]; its gradient reaches the student only."""
        raise TypeError(f"{type(self).__name__} does not say what it loses")

    def after_step(self, network: Network) -> None:
        """Change the term's own state; the only place where it may change."""
