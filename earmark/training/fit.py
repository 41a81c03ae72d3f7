"""The loop: a generator that trains one epoch and yields what happened.

Validation, logging, snapshots and stopping are plain statements in the caller's ``for``; breaking out of it stops the
training. A step never waits for the device: losses stay there and are read every ``log_steps``, which is also when a
loss or gradient that is not finite is found and named.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

import torch

from earmark.core.chance import Chance
from earmark.core.errors import RunError, SettingsError
from earmark.data.prefetch import prefetch
from earmark.data.streams import Stream
from earmark.objectives.objective import Step
from earmark.schedules.schedule import Place
from earmark.training.gauge import Gauge
from earmark.training.gradients import Gradients
from earmark.training.learner import Learner

if TYPE_CHECKING:
    from lightning_fabric import Fabric

    from earmark.training.settings import TrainingSettings

Track = Callable[[Iterable[int], int, str], Iterable[int]]
"""Passes numbers through and shows how far they are: (numbers, how many, what) -> the same numbers."""


# What torch says where it raises a plain RuntimeError: on a CPU (two ways), on Apple silicon, in the GPU's libraries.
_NO_MEMORY = ("can't allocate memory", "not enough memory", "out of memory", "alloc_failed")


@dataclass(frozen=True)
class Epoch:
    """What happened in one epoch; ``number`` counts from 1."""

    number: int
    losses: dict[str, float]
    """Mean of each part over steps and processes, unweighted, and their weighted ``total``."""
    lr: float
    """Learning rate of the last step."""
    gradient_norm: float
    """Mean over the steps, before clipping."""
    seconds: float
    n_clips: int
    signs: dict[str, dict[str, float]] = field(default_factory=dict)
    """What terms tell of themselves: of each part that does, means over steps and processes by name."""

    @property
    def clips_per_s(self) -> float:
        """Clips of all streams trained on in a second."""
        return self.n_clips / max(self.seconds, 1e-9)


def steps_per_epoch(streams: Mapping[str, Stream], settings: TrainingSettings) -> int:
    """Steps of an epoch: those asked for, or as many as the first stream has batches for."""
    return settings.steps_per_epoch or max(1, len(next(iter(streams.values()))) // settings.accumulate)


def fit(
    fabric: Fabric,
    learner: Learner,
    streams: Mapping[str, Stream],
    settings: TrainingSettings,
    chance: Chance,
    *,
    history: Sequence[Mapping[str, Any]] | None = None,
    track: Track = lambda numbers, total, what: numbers,
) -> Iterator[Epoch]:
    """Train from where the learner is to the last epoch.

    Args:
        fabric: launched.
        streams: the first defines the epoch; the others go round as often as it takes.
        chance: names every draw of the training.
        history: one row for each epoch that is over, which the caller keeps and adds to before it asks for the next
            epoch; schedules that answer to how the training goes read it.
        track: shows progress within an epoch.

    Raises:
        Diverged: a loss or gradient is not finite, with the first bad step and its term.
        RunError: memory ran out, with a smaller batch to try.
        SettingsError: the schedule needs a history, and there is none.
    """
    if settings.schedule.watches and history is None:
        raise SettingsError(f"schedule '{settings.schedule.kind}' reads the history of the training; give fit() one")
    module, optimizer = _set_up(fabric, learner, settings)
    n_steps = steps_per_epoch(streams, settings)
    while learner.epoch < settings.epochs:
        began = time.perf_counter()
        gauge = Gauge(list(learner.objective.parts), fabric.device)
        start = learner.epoch * n_steps
        module.train()
        lr, n_clips = 0.0, 0
        try:
            for number, steps in enumerate(_steps(fabric, learner.epoch, streams, settings, chance, track), start):
                lr = learner.base_lr * settings.schedule(Place(number, n_steps, settings.epochs, history or ()))
                for group in optimizer.param_groups:
                    group["lr"] = lr
                gradients = Gradients(fabric, module, optimizer, settings.clip_norm, gauge, steps, learner.step + 1)
                settings.optimizer.step(optimizer, gradients)
                optimizer.zero_grad(set_to_none=True)
                learner.after_step(Place(number + 1, n_steps, settings.epochs))
                n_clips += sum(len(batch) for step in steps for batch in step.batches.values())
                if learner.step % settings.log_steps == 0:
                    gauge.check()
        except (RuntimeError, MemoryError) as error:
            _explain_memory(error, streams)
        gauge.check()
        learner.epoch += 1
        losses, signs = gauge.losses(fabric), gauge.means_told(fabric)
        seconds = time.perf_counter() - began
        yield Epoch(learner.epoch, losses, lr, gauge.mean_norm(), seconds, n_clips * fabric.world_size, signs)


def _set_up(fabric: Fabric, learner: Learner, settings: TrainingSettings) -> tuple[Any, Any]:
    learner.to(fabric.device)
    if settings.compile:
        # Part by part, for terms call the encoder and the heads, not the network as a whole.
        learner.objective.network.encoder.compile()
        for head in learner.objective.network.heads.values():
            head.compile()
    module, optimizer = fabric.setup(learner.objective, learner.optimizer)
    return module, optimizer


def _steps(
    fabric: Fabric, epoch: int, streams: Mapping[str, Stream], settings: TrainingSettings, chance: Chance, track: Track
) -> Iterator[list[Step]]:
    """What each step of an epoch works on: as many batches as its gradient is summed over."""
    n = steps_per_epoch(streams, settings) * settings.accumulate
    start = epoch * n
    numbers = track(range(start, start + n), n, "train")

    def batches(number: int) -> dict[str, Any]:
        made = {name: stream.batch(number) for name, stream in streams.items()}
        return {k: b.pinned() for k, b in made.items()} if fabric.device.type == "cuda" else made

    held: list[Step] = []
    for number, made in enumerate(prefetch(batches, numbers, workers=settings.workers), start):
        on_device = {name: batch.to(fabric.device) for name, batch in made.items()}
        here = chance.at("step", rank=fabric.global_rank, number=number)
        held.append(Step(on_device, here, epoch + (number - start) / n, settings.augments(epoch)))
        if len(held) == settings.accumulate:
            yield held
            held = []


def _explain_memory(error: BaseException, streams: Mapping[str, Stream]) -> NoReturn:
    """Say which batch to make smaller, where it was memory that ran out; anything else goes on as it came."""
    words = str(error).lower()
    if not isinstance(error, MemoryError | torch.OutOfMemoryError) and not any(each in words for each in _NO_MEMORY):
        raise error
    name, stream = max(streams.items(), key=lambda each: each[1].settings.batch_size)
    size = stream.settings.batch_size
    advice = (
        f"streams.{name}.batch_size={size // 2} (training.accumulate=2 then keeps the step as large)"
        if size > 1
        else f"a shorter streams.{name}.crop.length_s, or a smaller network"
    )
    raise RunError(f"memory ran out with {size} clips a batch in stream '{name}'; try -s {advice}") from error
