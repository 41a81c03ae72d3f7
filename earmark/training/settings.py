"""The settings of a training: how long, how fast, on what."""

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from earmark.core.settings import Incidental, Settings
from earmark.schedules.cosine import Cosine
from earmark.schedules.schedule import Schedule
from earmark.training.averages.average import Average, average_from
from earmark.training.optimizers.adam import Adam
from earmark.training.optimizers.optimizer import Optimizer


class EarlyStopping(Settings):
    """Stop when the score that is watched has not risen for a while."""

    patience_epochs: int = Field(10, ge=1)
    """Epochs without a better score before the training stops."""
    least_gain: float = Field(0.0, ge=0)
    """By how much a score must exceed the best so far to count as better."""


class TrainingSettings(Settings):
    """How the objective is minimised."""

    epochs: int = Field(40, ge=1)
    """Passes over the first stream."""
    steps_per_epoch: int | None = Field(None, ge=1)
    """Steps of an epoch; null: as many as the first stream has batches."""
    optimizer: Optimizer = Adam()
    """What makes steps of gradients."""
    schedule: Schedule = Cosine()
    """The share of the optimizer's learning rate that each step takes."""
    clip_norm: float | None = Field(None, gt=0)
    """Largest norm of the gradient; null does not clip."""
    accumulate: int = Field(1, ge=1)
    """Batches whose gradients are summed before the weights change."""
    average: Annotated[Average | None, BeforeValidator(average_from)] = None
    """The average of weights that is kept for use (a plain number is the decay of a moving one); null keeps the weights
    themselves."""
    statistics_from: Annotated[tuple[str, ...], Field(min_length=1)] | Literal["all"] | None = None
    """Streams by whose clips the running statistics of batch norm are kept, which are those in use; null: the first
    one, ``all``: every one. Each stream is normalised by its own batches in training, and noisy clips may sound unlike
    those to be tagged: statistics of both fit neither."""
    snapshots: bool = False
    """Whether a tagger is kept for the end of each cycle of the schedule, for ensembles (G. Huang et al., 2017)."""
    snapshot_epochs: int | None = Field(None, ge=1)
    """Epochs between taggers that are kept wherever cycles end, and beside those of ``snapshots``; null keeps none."""
    early_stopping: EarlyStopping | None = None
    """Needs a held-out fold, and one more to go by; see ``watch``."""
    watch: Literal["next_fold", "held_out"] = "next_fold"
    """Whose score is watched where something is chosen by one (early stopping, a plateau): that of the next fold, whose
    clips are then not learnt from either, or that of the held-out clips themselves, as many systems did. These are then
    a little too good, and everything that shows them says so. Where the split itself puts folds aside, those are the
    next."""
    augment_epochs: int | None = Field(None, ge=0)
    """Epochs after which every augmentation of every stream is switched off, mixing among them; null never does."""
    score_epochs: int = Field(1, ge=1)
    """Epochs between looks at the held-out fold; the last one is always looked at."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """Arithmetic of the network; auto takes bfloat16 where the processor has instructions for it."""
    device: Annotated[Literal["auto", "cpu", "cuda", "mps"], Incidental()] = "auto"
    """Where to train; auto takes a GPU where there is one."""
    compile: bool = False
    """Whether the network is compiled (torch.compile): worth it for long trainings on a GPU."""
    devices: int = Field(1, ge=1)
    """Devices on this machine; the batch size is per device."""
    nodes: int = Field(1, ge=1)
    """Machines, started by torchrun."""
    workers: Annotated[int, Incidental(), Field(ge=1)] = 1
    """Threads that make batches."""
    log_steps: Annotated[int, Incidental(), Field(ge=1)] = 20
    """Steps between looks at the losses."""
    summaries: Annotated[bool, Incidental()] = False
    """Whether the numbers of each epoch are also written for TensorBoard: ``pip install 'earmark[tensorboard]'``."""

    @model_validator(mode="after")
    def _switches_off_in_time(self) -> Self:
        if self.augment_epochs is not None and self.augment_epochs >= self.epochs:
            raise ValueError(
                f"augment_epochs is {self.augment_epochs}, so augmentations would never be switched off in "
                f"{self.epochs} epochs; make it smaller, or leave it out"
            )
        return self

    @property
    def choosers(self) -> dict[str, str]:
        """What is chosen by a score in this training, by the setting that lets it."""
        chosen = {"training.early_stopping": "epoch"} if self.early_stopping else {}
        return chosen | ({"training.schedule": "learning rate"} if self.schedule.watches == "score" else {})

    @property
    def chosen_by_held_out(self) -> dict[str, str]:
        """What the score of the held-out clips themselves chooses."""
        return self.choosers if self.watch == "held_out" else {}

    @property
    def puts_aside(self) -> bool:
        """Whether something is chosen by clips that are neither learnt from nor held out."""
        return bool(self.choosers) and self.watch == "next_fold"

    @property
    def keeps_snapshots(self) -> bool:
        """Whether any tagger is kept on the way."""
        return self.snapshots or self.snapshot_epochs is not None

    def snapshots_after(self, steps_per_epoch: int) -> frozenset[int]:
        """The epochs after which a tagger is kept; the schedule needs to know how many steps an epoch has."""
        ends = self.schedule.cycle_ends(self.epochs, steps_per_epoch) if self.snapshots else ()
        return frozenset(ends).union(
            range(self.snapshot_epochs, self.epochs + 1, self.snapshot_epochs) if self.snapshot_epochs else ()
        )

    def augments(self, epoch: int) -> bool:
        """Whether the augmentations are on in the epoch that follows so many."""
        return self.augment_epochs is None or epoch < self.augment_epochs
