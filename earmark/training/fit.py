"""The loop: a generator that trains one epoch and yields what happened.

Validation, logging, snapshots and stopping are plain statements in the caller's ``for``; breaking out of it stops the
training. A step never waits for the device: losses stay there and are read every ``log_steps``, which is also when a
loss or gradient that is not finite is found and named.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

import torch
from torch import Tensor

from earmark.core.chance import Chance
from earmark.core.errors import Diverged, RunError
from earmark.data.prefetch import prefetch
from earmark.data.streams import Stream
from earmark.objectives.objective import Objective, Step
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
    """Mean of each part, unweighted, and their weighted ``total``."""
    lr: float
    """Learning rate of the last step."""
    gradient_norm: float
    """Mean over the steps, before clipping."""
    seconds: float
    n_clips: int

    @property
    def clips_per_s(self) -> float:
        """Clips of all streams trained on in a second."""
        return self.n_clips / max(self.seconds, 1e-9)


def fit(
    fabric: Fabric,
    learner: Learner,
    streams: Mapping[str, Stream],
    settings: TrainingSettings,
    chance: Chance,
    *,
    track: Track = lambda numbers, total, what: numbers,
) -> Iterator[Epoch]:
    """Train from where the learner is to the last epoch.

    Args:
        fabric: launched.
        streams: the first defines the epoch; the others go round as often as it takes.
        chance: names every draw of the training.
        track: shows progress within an epoch.

    Raises:
        Diverged: a loss or gradient is not finite, with the first bad step and its term.
        RunError: memory ran out, with a smaller batch to try.
    """
    module, optimizer = _set_up(fabric, learner, settings)
    first = next(iter(streams.values()))
    n_steps = settings.steps_per_epoch or max(1, len(first) // settings.accumulate)
    while learner.epoch < settings.epochs:
        began = time.perf_counter()
        gauge = _Gauge(list(learner.objective.parts), fabric.device)
        start = learner.epoch * n_steps * settings.accumulate
        numbers = track(range(start, start + n_steps * settings.accumulate), n_steps * settings.accumulate, "train")

        def batches(number: int) -> dict[str, Any]:
            made = {name: stream.batch(number) for name, stream in streams.items()}
            return {k: b.pinned() for k, b in made.items()} if fabric.device.type == "cuda" else made

        module.train()
        n_clips = 0
        try:
            for micro, made in enumerate(prefetch(batches, numbers, workers=settings.workers)):
                place = learner.epoch + micro / (n_steps * settings.accumulate)
                lr = learner.base_lr * settings.schedule(place, settings.epochs)
                for group in optimizer.param_groups:
                    group["lr"] = lr
                last = (micro + 1) % settings.accumulate == 0
                on_device = {name: batch.to(fabric.device) for name, batch in made.items()}
                here = chance.at("step", rank=fabric.global_rank, number=start + micro)
                step = Step(on_device, here, place, settings.augments(learner.epoch))
                losses = _backward(fabric, module, step, settings.accumulate, step_now=last)
                n_clips += sum(len(batch) for batch in made.values())
                norm = _update(fabric, learner, module, optimizer, settings) if last else None
                gauge.see(learner.step + (not last), losses.total, losses.parts, norm)
                if last and learner.step % settings.log_steps == 0:
                    gauge.check()
        except (RuntimeError, MemoryError) as error:
            _explain_memory(error, streams)
        gauge.check()
        learner.epoch += 1
        yield Epoch(
            learner.epoch,
            gauge.losses(),
            lr,
            gauge.mean_norm(),
            time.perf_counter() - began,
            n_clips * fabric.world_size,
        )


def _set_up(fabric: Fabric, learner: Learner, settings: TrainingSettings) -> tuple[Any, Any]:
    learner.to(fabric.device)
    if settings.compile:
        # Part by part, for terms call the encoder and the heads, not the network as a whole.
        learner.objective.network.encoder.compile()
        for head in learner.objective.network.heads.values():
            head.compile()
    module, optimizer = fabric.setup(learner.objective, learner.optimizer)
    return module, optimizer


def _backward(fabric: Fabric, module: Any, step: Step, accumulate: int, *, step_now: bool) -> Any:
    torch.manual_seed(step.chance.at("dropout").number())  # dropout and its kin: the same after a resume
    with fabric.no_backward_sync(module, enabled=not step_now):
        losses = module(step)
        fabric.backward(losses.total / accumulate)
    return losses


def _update(fabric: Fabric, learner: Learner, module: Any, optimizer: Any, settings: TrainingSettings) -> Tensor:
    limit = settings.clip_norm if settings.clip_norm is not None else float("inf")
    norm = fabric.clip_gradients(module, optimizer, max_norm=limit, error_if_nonfinite=False)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    learner.step += 1
    objective: Objective = learner.objective
    objective.after_step()
    if learner.average is not None:
        learner.average.update(objective.network, learner.step)
    assert norm is not None  # clipping by norm gives it
    return norm


class _Gauge:
    """Sums of losses that stay on the device, and the first step that was not finite."""

    def __init__(self, names: list[str], device: torch.device) -> None:
        self.names = names
        self.n = self.n_norms = 0
        self.sums = torch.zeros(len(names) + 1, device=device)
        self.norms = torch.zeros((), device=device)
        self.first_bad = torch.full((len(names) + 2,), -1, dtype=torch.int64, device=device)

    @torch.no_grad()
    def see(self, step: int, total: Tensor, parts: Tensor, norm: Tensor | None) -> None:
        values = torch.cat([parts, total.detach()[None]])
        self.sums += values
        self.n += 1
        if norm is not None:
            self.norms += norm
            self.n_norms += 1
        checked = torch.cat([values, values.new_zeros(1) if norm is None else norm.to(values.dtype)[None]])
        fresh = ~torch.isfinite(checked) & (self.first_bad < 0)
        self.first_bad = torch.where(fresh, step, self.first_bad)

    def check(self) -> None:
        bad = self.first_bad.tolist()
        found = [(step, name) for step, name in zip(bad, [*self.names, "total", "gradient"], strict=True) if step >= 0]
        if found:
            step, name = min(found, key=lambda each: each[0])
            raise Diverged(
                f"'{name}' was no longer finite at step {step}; lower the learning rate, clip the gradient "
                "(training.clip_norm) or train in float32 (training.precision)",
                step,
                name,
            )

    def losses(self) -> dict[str, float]:
        means = (self.sums / max(1, self.n)).tolist()
        return dict(zip([*self.names, "total"], means, strict=True))

    def mean_norm(self) -> float:
        return float(self.norms / max(1, self.n_norms))


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
