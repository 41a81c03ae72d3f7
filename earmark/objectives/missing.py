"""Labels that are probably missing: the most suspicious of those said to be absent are ignored, not flipped.

Who labels clips names what is in front and forgets what is behind it, so among absent labels the wrong ones are many
times more than among present ones. A net that answers well finds them, but taking its word would have it learn from
itself; to leave those few labels out costs next to nothing where it is mistaken.
"""

from typing import Self

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from earmark.core.batch import Batch
from earmark.core.settings import Settings
from earmark.objectives.guesses import Guesses
from earmark.objectives.material import Material, Register
from earmark.objectives.memory import Memory
from earmark.objectives.rejection import Origins, of_origins
from earmark.schedules.schedule import Place


class MissingLabels(Settings):
    """Which absent labels are ignored: the most probable ones, or those above a threshold."""

    share: float | None = Field(0.01, gt=0, lt=1)
    """The share of all absent labels that is ignored, the most probable ones; null where a threshold decides."""
    threshold: float | None = Field(None, gt=0, lt=1)
    """The probability above which an absent label is ignored; null where a share decides."""
    guesses: Guesses | None = None
    """Probabilities from a file; null: the running average of what the student itself has said of the clip."""
    decay: float = Field(0.8, ge=0, lt=1)
    """How much of the running average stays at each visit of a clip."""
    from_epoch: float = Field(0.0, ge=0)
    """Before it every label counts. With a share of running averages nothing is ignored in the first epoch either."""
    origins: Origins | None = None
    """Whose labels may be ignored; null: everybody's."""

    @property
    def most_ignored(self) -> float:
        """The share of absent labels from which on far more of them are ignored than can be meant. Where a share is
        asked for, averages that have risen since the end of an epoch take it beyond that."""
        return 0.2 if self.share is None else min(4 * self.share, (1 + self.share) / 2)

    @model_validator(mode="after")
    def _one_law(self) -> Self:
        if (self.share is None) == (self.threshold is None):
            raise ValueError(
                "either a share or a threshold decides what is ignored; set one of them, the other to null"
            )
        return self


class MissingModule(nn.Module):
    """The rule at work; its state is the running averages and the probability above which labels are ignored."""

    cut: Tensor
    absent: Tensor
    given: Tensor | None

    def __init__(self, settings: MissingLabels) -> None:
        """Before it has met its material nothing is ignored."""
        super().__init__()
        self.settings = settings
        self.register = Register.empty()
        self.memory: Memory | None = None
        self.register_buffer("given", None, persistent=False)
        self.register_buffer("absent", torch.zeros(0, 0, dtype=torch.bool), persistent=False)
        self.register_buffer("cut", torch.full((), settings.threshold or torch.inf))

    def meet(self, material: Material, streams: tuple[str, ...], what: str) -> tuple[str, ...]:
        """Take up the clips of these streams; what there is to note.

        Raises:
            SettingsError, DataError: the guesses do not fit them.
        """
        settings = self.settings
        self.register = material.of(streams, settings.origins)
        self.absent = torch.from_numpy(self.register.known & (self.register.targets <= 0))
        if settings.guesses is None:
            self.memory = Memory(settings.decay, len(self.register), len(material.classes))
            return ()
        given = settings.guesses.read(self.register, material, what)
        self.given = given.chances
        self._cut_off(self.given)
        return given.notes

    def believed(self, batch: Batch, epoch: float) -> Batch:
        """The batch with those labels unknown that are to be ignored."""
        if epoch < self.settings.from_epoch or not len(self.register):
            return batch
        rows = self.register.rows(batch)
        guessed = self._guessed(rows)
        doubtful = (batch.targets <= 0) & batch.known & (guessed > self.cut)
        doubtful = doubtful & (of_origins(batch.origins, self.settings.origins) & (rows >= 0))[:, None]
        return batch.changed(known=batch.known & ~doubtful)

    def _guessed(self, rows: Tensor) -> Tensor:
        if self.given is not None:
            return self.given[rows]
        assert self.memory is not None  # there is one or the other
        averages, seen = self.memory.recall(rows)
        return averages.where(seen[:, None], 0.0)

    @property
    def remembers(self) -> bool:
        """Whether it wants to know what the student says."""
        return self.memory is not None

    def take(self, rows: Tensor, said: Tensor) -> None:
        """Remember what the student has said of these clips."""
        if self.memory is not None:
            self.memory.take(rows, said)

    def after_step(self, place: Place) -> None:
        """At the end of an epoch, find out anew which labels are the most suspicious."""
        if self.memory is not None and place.step % place.steps_per_epoch == 0:
            self._cut_off(self.memory.average[:-1])

    @torch.no_grad()
    def _cut_off(self, guessed: Tensor) -> None:
        """The probability that just the share of all absent labels exceeds."""
        if self.settings.share is None or not self.absent.numel():
            return
        ranked = guessed.where(self.absent, -1.0).flatten().sort(descending=True).values
        n = (self.settings.share * self.absent.sum()).long()
        # At least nothing is ignored of which nothing is known.
        self.cut.copy_(ranked.gather(0, n.clamp(max=len(ranked) - 1)[None])[0].clamp(min=0.0))
