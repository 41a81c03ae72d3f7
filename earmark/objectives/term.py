"""What every term is: settings that build a module with a loss for each clip and, perhaps, state of its own."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from earmark.core.chance import Chance
from earmark.core.family import Member
from earmark.core.fingerprint import flat
from earmark.core.spec import Spec
from earmark.losses.loss import Loss
from earmark.models.network import ModelSettings, Network
from earmark.objectives.look import Look
from earmark.objectives.material import Material
from earmark.schedules.schedule import Place


class Term(Member, ABC, family="term"):
    """Settings of a term."""

    least_streams: ClassVar[int] = 1
    """Where it is more than one, the term works on all its streams at once: the first has labels that are believed,
    the others' are not looked at."""

    @property
    def heads(self) -> tuple[str, ...]:
        """Heads of the network that the term asks for by name: that in its setting ``head``, or the tagger's."""
        return (getattr(self, "head", "main"),)

    @property
    def losses(self) -> tuple[Loss, ...]:
        """Losses that it holds against labels or guesses: all those among its settings."""
        held = (getattr(self, name) for name in type(self).model_fields)
        return tuple(each for each in held if isinstance(each, Loss))

    @property
    def named_origins(self) -> tuple[tuple[str, str], ...]:
        """The origins of clips that its settings name, each with the path of the setting: ``missing.origins``."""
        found = ((path.split("."), value) for path, value in flat(self).items())
        return tuple((".".join(path[:-1]), str(value)) for path, value in found if path[-2:-1] == ["origins"])

    def files(self, fold: int | None) -> tuple[Path, ...]:
        """Files that it reads, which therefore belong to what a run is."""
        return ()

    def shortest(self, model: ModelSettings, spec: Spec) -> int:
        """The fewest frames (or samples) of a clip that it can make something of.

        Raises:
            SettingsError: it cannot work with this network, or on what the view gives.
        """
        return 1

    @abstractmethod
    def build(self, network: Network) -> "TermModule":
        """The module; it may copy the network, never keep it, since whose parameters are trained must stay plain."""


class Fault(NamedTuple):
    """Something that has gone wrong with a term."""

    name: str
    """By which it is known again."""
    clause: str
    """What is wrong, with its numbers."""


class TermModule(nn.Module):
    """A term at work."""

    def __init__(self) -> None:
        super().__init__()
        self.signs: dict[str, Tensor] = {}
        """How the last forward went, as detached numbers by name; the log has their means over an epoch."""
        self.notes: tuple[str, ...] = ()
        """Sentences that the log and the report should have."""
        self._noted: dict[str, dict[tuple[Chance, tuple[str, ...]], tuple[Tensor, ...]]] = {}

    @property
    def students(self) -> tuple[nn.Module, ...]:
        """Modules of its own that learn as the student does; the gradient reaches these and nothing else of it."""
        return ()

    def meet(self, material: Material, streams: tuple[str, ...]) -> None:
        """Learn what the training is about, before its first step and before any state is put back.

        Args:
            streams: those that the term works on.

        Raises:
            SettingsError, DataError: the term cannot work on this.
        """

    def forward(self, look: Look, streams: tuple[str, ...]) -> Tensor:
        """A loss for each clip of these streams, [batch]; its gradient reaches the student only."""
        raise TypeError(f"{type(self).__name__} does not say what it loses")

    def weights(self, look: Look, streams: tuple[str, ...]) -> Tensor:
        """How much each of the clips counts in the mean of what they lose, [batch]."""
        return look.seen(streams).weights

    def after_step(self, network: Network, place: Place) -> None:
        """Change the term's own state; the only place where it may change."""

    def fault(self, signs: Mapping[str, float]) -> Fault | None:
        """What is wrong by the signs of an epoch, if anything."""
        return None

    def note(self, look: Look, streams: tuple[str, ...], *values: Tensor, under: str = "") -> None:
        """Keep something of this forward for `after_step`.

        Only a forward that learns counts, and of several passes over the same batch the first, at the weights that
        the training has arrived at.

        Args:
            under: a heading of its own for what not the term itself but what it builds on wants to keep.
        """
        if torch.is_grad_enabled():
            kept = self._noted.setdefault(under, {})
            kept.setdefault((look.chance, streams), tuple(value.detach() for value in values))

    def noted(self, under: str = "") -> list[tuple[Tensor, ...]]:
        """What was kept under this heading since the last step, which is then forgotten."""
        return list(self._noted.pop(under, {}).values())
