"""A teacher that is the average of the student."""

import copy
from typing import Literal, Self

import torch
from pydantic import Field
from torch import Tensor

from earmark.losses.mse import MSE
from earmark.models.network import Network
from earmark.objectives.apart import guess
from earmark.objectives.look import Look
from earmark.objectives.signs import GuessingModule
from earmark.objectives.soft import SoftLoss
from earmark.objectives.term import Term
from earmark.schedules.schedule import Place


class MeanTeacher(Term, kind="mean_teacher"):
    """What the student says of one view of a clip should be what its teacher says of another; the teacher is a moving
    average of the student (A. Tarvainen and H. Valpola, 2017). Labels are not asked for.

    The decay warms up: it is ``min(1 - 1 / (n + 1), decay)`` at the n-th update (from 0), so the teacher begins as the
    student. It answers as in use, so its batch-norm statistics must be the student's as well. Steps that mix clips
    are left out of both views.

    Legacy: the snippets of a blog on Freesound Audio Tagging 2019 average the parameters alone and once an epoch, which
    is ``buffers: left`` and ``every: epoch``; its teacher answers by statistics of no data and learns late.
    """

    decay: float = Field(0.999, ge=0, lt=1)
    """How much of the teacher stays at each update, once warmed up. Of one that is updated once an epoch, 0.999 means
    that it hardly moves after the warm-up, which then lasts 1000 epochs."""
    every: Literal["step", "epoch"] = "step"
    """When the teacher is updated: after each step, or after the last one of each epoch."""
    buffers: Literal["averaged", "copied", "left"] = "averaged"
    """What becomes of the teacher's batch-norm statistics: averaged like the weights, taken from the student as they
    are, or left as they were at the beginning (a mistake)."""
    loss: SoftLoss = MSE()
    """How far the student's logits are from the teacher's probabilities: ``mse``, ``bce``, or any that takes soft
    targets."""
    head: str = Field("main", min_length=1)
    """The head that both answer with."""

    def build(self, network: Network) -> "MeanTeacherModule":
        return MeanTeacherModule(self, network)


class MeanTeacherModule(GuessingModule):
    """The term itself; its state is the teacher, how often it was updated, and the tally of its guesses."""

    n_updates: Tensor

    def __init__(self, settings: MeanTeacher, network: Network) -> None:
        super().__init__()
        self.settings = settings
        self.teacher = copy.deepcopy(network).requires_grad_(False).eval()
        for name in set(self.teacher.heads) - {settings.head}:
            del self.teacher.heads[name]
        self.register_buffer("n_updates", torch.zeros((), dtype=torch.int64))

    def train(self, mode: bool = True) -> Self:
        """The teacher answers as in use, whatever the rest does."""
        super().train(mode)
        self.teacher.eval()
        return self

    def weights(self, look: Look, streams: tuple[str, ...]) -> Tensor:
        return look.seen(streams, how="unmixed").weights

    def forward(self, look: Look, streams: tuple[str, ...]) -> Tensor:
        head = self.settings.head
        chance = look.chance.at("teacher", streams=" ".join(streams))
        taught = guess(self.teacher, look.seen(streams, 1, "unmixed"), chance, head).sigmoid()
        self.tell(look, streams, taught)
        known = torch.ones_like(taught, dtype=torch.bool)
        return self.settings.loss(look.logits(streams, head=head, how="unmixed"), taught, known)

    @torch.no_grad()
    def after_step(self, network: Network, place: Place) -> None:
        super().after_step(network, place)
        if self.settings.every == "epoch" and place.step % place.steps_per_epoch:
            return
        share = torch.clamp(1 / (self.n_updates + 1), min=1 - self.settings.decay)
        now = network.state_dict()
        weights = {name for name, _ in self.teacher.named_parameters()}
        for name, value in self.teacher.state_dict().items():
            if name in weights or (self.settings.buffers == "averaged" and value.is_floating_point()):
                value.lerp_(now[name].detach(), share.to(value.dtype))
            elif self.settings.buffers != "left":
                value.copy_(now[name])
        self.n_updates += 1
