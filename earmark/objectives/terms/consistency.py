"""Two views of a clip should sound alike."""

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor

from earmark.models.network import Network
from earmark.objectives.apart import guess
from earmark.objectives.look import Look
from earmark.objectives.signs import GuessingModule
from earmark.objectives.term import Term


class Consistency(Term, kind="consistency"):
    """The squared difference of what the student says of two views of each clip (the Π-model of S. Laine and T. Aila,
    2017); labels are not asked for, so it works on any stream.

    Steps that mix clips are left out of both views, for mixtures with different partners are not alike.

    Legacy: JiachuanDENG's system for Freesound Audio Tagging 2019 executes it with ``activation: softmax``,
    ``over_classes: sum``, ``branches: both`` and a weight of 0.01 for the part, so next to nothing comes of it: the
    probabilities of a softmax over a net that was trained class by class hardly differ.
    """

    activation: Literal["sigmoid", "softmax"] = "sigmoid"
    """What makes probabilities of logits: each class by itself, or all together as if there were just one."""
    over_classes: Literal["mean", "sum"] = "mean"
    """The mean of the squares over the classes, or their sum."""
    branches: Literal["both", "one"] = "both"
    """Whether both views learn, or the second one only guesses what the first is to say."""
    in_use: bool = False
    """With one branch: whether the second view is answered as in use, without dropout and by running statistics."""
    head: str = Field("main", min_length=1)
    """The head that answers."""

    def build(self, network: Network) -> "ConsistencyModule":
        return ConsistencyModule(self)


class ConsistencyModule(GuessingModule):
    """The term itself; it has no state but the tally of its guesses."""

    def __init__(self, settings: Consistency) -> None:
        super().__init__()
        self.settings = settings

    def weights(self, look: Look, streams: tuple[str, ...]) -> Tensor:
        return look.seen(streams, how="unmixed").weights

    def forward(self, look: Look, streams: tuple[str, ...]) -> Tensor:
        settings = self.settings
        logits = look.logits(streams, head=settings.head, how="unmixed")
        if settings.branches == "both":
            other = look.logits(streams, 1, settings.head, "unmixed")
        else:
            chance = look.chance.at("consistency", streams=" ".join(streams))
            other = guess(look.network, look.seen(streams, 1, "unmixed"), chance, settings.head, use=settings.in_use)
        self.tell(look, streams, other.sigmoid())
        apart = (self._probabilities(logits) - self._probabilities(other)).square()
        return apart.mean(dim=1) if settings.over_classes == "mean" else apart.sum(dim=1)

    def _probabilities(self, logits: Tensor) -> Tensor:
        return logits.sigmoid() if self.settings.activation == "sigmoid" else torch.softmax(logits, dim=1)
