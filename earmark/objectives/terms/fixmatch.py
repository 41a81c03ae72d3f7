"""Sure guesses from clean clips, learnt from augmented ones."""

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from earmark.core.batch import Batch
from earmark.core.errors import SettingsError
from earmark.core.settings import Settings, nearest
from earmark.losses.bce import BCE
from earmark.losses.loss import Loss
from earmark.models.network import Network
from earmark.objectives.apart import guess
from earmark.objectives.look import Look
from earmark.objectives.material import Material
from earmark.objectives.memory import of_all_processes
from earmark.objectives.signs import GuessingModule
from earmark.objectives.term import Term
from earmark.schedules.schedule import Place

Threshold = Annotated[float, Field(gt=0, lt=1)]


class Adaptive(Settings):
    """Thresholds that follow how sure the student is of each class, after B. Zhang et al. (FlexMatch, 2021) and
    Y. Wang et al. (FreeMatch, 2023): classes that it is slow to learn are believed sooner.

    The threshold of a class is scaled by how sure the student is, on average, where that class is its first guess,
    beside the class of which it is surest.
    """

    decay: float = Field(0.99, ge=0, lt=1)
    """How much of the running averages stays at each step."""
    least: Threshold = 0.3
    """No threshold falls below this."""


class FixMatch(Term, kind="fixmatch"):
    """FixMatch (K. Sohn et al., 2020) for several labels a clip: what the student is sure of when it hears a clip as in
    use, without augmentation, it learns from the augmented view; of what it is not sure, nothing. Labels of the
    streams are not looked at.

    A guess counts as present from a threshold on, which may differ from class to class, and as absent up to another
    one. The guesses are put in before the view, so they are mixed where clips are mixed.
    """

    present: Threshold = 0.7
    """The least probability for a class to count as there."""
    per_class: dict[str, Threshold] = {}
    """Other thresholds for some classes, by name."""
    adaptive: Adaptive | None = None
    """Lowers the thresholds of classes that are learnt slowly; null: they stay as they are."""
    absent: float = Field(0.05, ge=0, lt=1)
    """The largest probability for a class to count as not there."""
    only_with_present: bool = True
    """Whether clips of which nothing is surely there are left out altogether. Else the student learns from most clips
    that nothing is there, and ends by saying so of all."""
    loss: Loss = BCE()
    """How far the student is from its sure guesses, which are 0 or 1."""
    in_use: bool = True
    """Whether guesses are made as in use, without dropout and by running statistics, or as in training."""
    head: str = Field("main", min_length=1)
    """The head that answers."""

    def build(self, network: Network) -> "FixMatchModule":
        return FixMatchModule(self)


class FixMatchModule(GuessingModule):
    """The term itself; its state is the tally of its guesses and, for adaptive thresholds, how sure the student is of
    each class."""

    thresholds: Tensor
    sureness: Tensor

    def __init__(self, settings: FixMatch) -> None:
        super().__init__(sure=settings.present)
        self.settings = settings
        self.register_buffer("thresholds", torch.tensor(settings.present), persistent=False)
        self.register_buffer("sureness", torch.ones(0))

    def meet(self, material: Material, streams: tuple[str, ...]) -> None:
        super().meet(material, streams)
        settings, classes = self.settings, material.classes
        for name in settings.per_class:
            if name not in classes:
                raise SettingsError(
                    f"fixmatch has a threshold for class '{name}' (per_class), which the data do not have; "
                    f"{nearest(name, classes)}"
                )
        self.thresholds = torch.tensor([settings.per_class.get(name, settings.present) for name in classes])
        if settings.adaptive is not None:
            self.sureness = torch.ones(len(classes))

    def forward(self, look: Look, streams: tuple[str, ...]) -> Tensor:
        settings = self.settings
        guesses = {stream: self._guess(look, stream) for stream in streams}
        together = torch.cat(list(guesses.values()))
        self.tell(look, streams, together)
        self.signs["confident"] = (together >= self._bars()).any(dim=1).float().mean()
        if settings.adaptive is not None:
            first = torch.zeros_like(together).scatter(1, together.argmax(dim=1, keepdim=True), 1.0)
            self.note(look, streams, (first * together).sum(dim=0), first.sum(dim=0))

        def believed(stream: str, batch: Batch) -> Batch:
            there = guesses[stream] >= self._bars()
            known = there | (guesses[stream] <= settings.absent)
            if settings.only_with_present:
                known = known & there.any(dim=1, keepdim=True)
            return batch.changed(targets=there.to(batch.targets.dtype), known=known)

        seen, logits = look.relabelled(streams, believed, head=settings.head)
        return settings.loss(logits, seen.targets, seen.known)

    def _guess(self, look: Look, stream: str) -> Tensor:
        chance = look.chance.at("fixmatch", stream=stream)
        clean = look.seen((stream,), how="clean")
        return guess(look.network, clean, chance, self.settings.head, use=self.settings.in_use).sigmoid()

    def _bars(self) -> Tensor:
        """The threshold of each class, [classes], or one for all."""
        adaptive = self.settings.adaptive
        if adaptive is None or not len(self.sureness):
            return self.thresholds
        return (self.thresholds * self.sureness / self.sureness.max()).clamp(min=adaptive.least)

    @torch.no_grad()
    def after_step(self, network: Network, place: Place) -> None:
        super().after_step(network, place)
        if self.settings.adaptive is None or not len(self.sureness):
            return
        for sums, counts in self.noted():
            total, n = (of_all_processes(each[None]).sum(dim=0) for each in (sums, counts))
            moved = torch.lerp(total / n.clamp(min=1), self.sureness, self.settings.adaptive.decay)
            self.sureness.copy_(moved.where(n > 0, self.sureness))
