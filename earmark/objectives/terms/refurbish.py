"""Labels mended by what the student said of the clip before."""

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor

from earmark.core.batch import Batch
from earmark.losses.bce import BCE
from earmark.losses.loss import mean_of_known
from earmark.models.network import Network
from earmark.objectives.look import Look
from earmark.objectives.material import Material, Register
from earmark.objectives.memory import Memory
from earmark.objectives.signs import GuessingModule
from earmark.objectives.soft import SoftLoss
from earmark.objectives.term import Term
from earmark.schedules.schedule import Place


class Refurbish(Term, kind="refurbish"):
    """Nets learn what is right before they learn by heart what is wrong; so the running average of what the student
    has said of a clip is used against its label.

    ``certain``: where the average is certain, the label is what it says (after SELFIE, H. Song et al., 2019, which
    counts answers over the last epochs instead).
    ``blend``: targets are a mixture of label and average (after temporal ensembling, S. Laine and T. Aila, 2017).
    ``early_learning``: no labels at all, but a reward for agreeing with the average, for a part beside a supervised
    one: ``log(1 - agreement)`` (ELR, S. Liu et al., 2020, whose weights are 3 and 7), the agreement of a class being
    the chance that the two say the same of it. What it loses is negative.

    Averages are of clips by themselves; targets are put in before the view, so they are mixed where clips are mixed.
    """

    rule: Literal["certain", "blend", "early_learning"] = "certain"
    """What the average is used for."""
    decay: float = Field(0.7, ge=0, lt=1)
    """How much of the average stays at each visit of a clip."""
    from_epoch: float = Field(1.0, ge=0)
    """Before it labels count as they are (and there is no reward), while the averages are gathered."""
    certain: float = Field(0.9, gt=0.5, le=1)
    """The rule ``certain``: from this average on a class is there, and below one minus it it is not."""
    change: Literal["both", "add", "drop"] = "both"
    """The rule ``certain``: whether labels may be added, dropped, or both."""
    share: float = Field(0.5, ge=0, le=1)
    """The rule ``blend``: how much of the target is the average."""
    loss: SoftLoss = BCE()
    """How far the student is from the mended labels; not for ``early_learning``."""
    head: str = Field("main", min_length=1)
    """The head that answers."""

    def build(self, network: Network) -> "RefurbishModule":
        return RefurbishModule(self)


class RefurbishModule(GuessingModule):
    """The term itself; its state is the running averages and the tally of its guesses."""

    def __init__(self, settings: Refurbish) -> None:
        super().__init__()
        self.settings = settings
        self.register = Register.empty()
        self.memory = Memory(settings.decay)

    def meet(self, material: Material, streams: tuple[str, ...]) -> None:
        super().meet(material, streams)
        self.register = material.of(streams)
        self.memory = Memory(self.settings.decay, len(self.register), len(material.classes))

    def forward(self, look: Look, streams: tuple[str, ...]) -> Tensor:
        settings = self.settings
        rows = torch.cat([self.register.rows(look.batches[stream]) for stream in streams])
        said = look.said(streams, settings.head)
        self.note(look, streams, rows, said)
        moved = self.memory.moved(rows, said)
        self.tell(look, streams, moved)
        sizes = [len(look.batches[stream]) for stream in streams]
        now = dict(zip(streams, torch.split(moved, sizes), strict=True))
        mended = {stream: self._mended(look.batches[stream], now[stream], look.epoch) for stream in streams}
        self._tell_changes(look, mended)
        seen, logits = look.relabelled(streams, lambda stream, _: mended[stream], head=settings.head)
        if settings.rule != "early_learning":
            return settings.loss(logits, seen.targets, seen.known)
        guessed = logits.sigmoid()
        agreement = guessed * seen.targets + (1 - guessed) * (1 - seen.targets)
        return mean_of_known((1 - agreement).clamp(min=1e-4).log(), seen.known)

    def _mended(self, batch: Batch, now: Tensor, epoch: float) -> Batch:
        """The clips with the targets that the rule makes of their labels and averages.

        Args:
            now: the averages as they will be after this step.
        """
        settings = self.settings
        averages, seen = self.memory.recall(self.register.rows(batch))
        if settings.rule == "early_learning":
            heard = torch.full_like(batch.known, epoch >= settings.from_epoch)
            return batch.changed(targets=now, known=heard)
        if epoch < settings.from_epoch:
            return batch
        if settings.rule == "blend":
            mixed = torch.lerp(batch.targets, averages, settings.share)
            mixed = mixed.where(batch.known, averages)
            return batch.changed(targets=mixed.where(seen[:, None], batch.targets), known=batch.known | seen[:, None])
        there = (averages >= settings.certain) & (settings.change != "drop")
        gone = (averages <= 1 - settings.certain) & (settings.change != "add")
        sure = (there | gone) & seen[:, None]
        return batch.changed(targets=there.float().where(sure, batch.targets), known=batch.known | sure)

    @torch.no_grad()
    def _tell_changes(self, look: Look, mended: dict[str, Batch]) -> None:
        """How much of the known labels of an average clip is changed, in labels."""
        if self.settings.rule != "early_learning":
            moved = [
                ((batch.targets - look.batches[stream].targets).abs() * look.batches[stream].known).sum(dim=1)
                for stream, batch in mended.items()
            ]
            self.signs["changed"] = torch.cat(moved).mean()

    def after_step(self, network: Network, place: Place) -> None:
        super().after_step(network, place)
        for rows, said in self.noted():
            self.memory.take(rows, said)
