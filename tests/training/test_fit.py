"""The loop: what it does to the weights, what it says of an epoch, and how it stops."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import torch
from torch import Tensor

from earmark.core.chance import Chance
from earmark.core.errors import DataError, Diverged, RunError
from earmark.losses.bce import BCE
from earmark.losses.loss import Loss
from earmark.objectives.objective import Objective, Part
from earmark.objectives.terms.supervised import Supervised
from earmark.schedules.cosine import Constant, CosineOscillation
from earmark.schedules.schedule import Place
from earmark.training.averages.ema import EMA
from earmark.training.devices import fabric_for
from earmark.training.fit import fit
from earmark.training.optimizers.adam import Adam
from earmark.training.settings import TrainingSettings
from tests.tiny import same_tensors, stream_of

STEADY = TrainingSettings(epochs=2, optimizer=Adam(lr=0.01), schedule=Constant())


class Spoilt(Loss, kind="spoilt"):
    """Cross-entropy that stops being a number with the call of this number (from 0)."""

    good_calls: int = 3

    def __call__(self, logits: Tensor, targets: Tensor, known: Tensor) -> Tensor:
        CALLS.append(1)
        return BCE()(logits, targets, known) * (1.0 if len(CALLS) <= self.good_calls else float("nan"))


CALLS: list[int] = []


@pytest.fixture(autouse=True)
def forget_calls():
    CALLS.clear()


def test_a_few_clips_are_learnt_by_heart(learner_of, train):
    settings = STEADY.model_copy(update={"epochs": 12, "optimizer": Adam(lr=0.03)})
    epochs = train(learner_of(settings), settings, {"curated": stream_of((4000,) * 12)})
    assert epochs[-1].losses["total"] < 0.5 * epochs[0].losses["total"]


def test_an_epoch_says_what_happened(learner_of, train):
    settings = STEADY.model_copy(update={"epochs": 3, "schedule": CosineOscillation(half_period_epochs=2)})
    parts = {"one": Part(weight=2), "off": Part(weight=0)}
    learner = learner_of(settings, parts=parts)
    epochs = train(learner, settings)
    assert [each.number for each in epochs] == [1, 2, 3]
    assert (learner.epoch, learner.step) == (3, 18)
    for each in epochs:
        assert set(each.losses) == {"one", "off", "total"} and each.losses["off"] == 0
        assert each.losses["total"] == pytest.approx(2 * each.losses["one"])
        assert each.n_clips == 24 and each.seconds > 0 and each.clips_per_s == each.n_clips / each.seconds
        assert each.gradient_norm > 0
    assert [each.lr for each in epochs] == pytest.approx(
        [0.01 * settings.schedule(Place(6 * e, 6, 3)) for e in range(3)]
    )


def test_the_first_stream_defines_the_epoch_and_others_go_round(learner_of, train):
    streams = {"curated": stream_of((4000,) * 8), "more": stream_of((4000,) * 4, seed=1)}
    part = Part(streams=("curated", "more"))
    learner = learner_of(STEADY, parts={"it": part})
    assert [each.n_clips for each in train(learner, STEADY, streams)] == [16, 16]
    longer = STEADY.model_copy(update={"steps_per_epoch": 5})
    learner = learner_of(longer, parts={"it": part})
    assert [each.n_clips for each in train(learner, longer, streams)] == [40, 40]


def test_going_on_with_the_same_learner_is_going_on(learner_of, train):
    straight, in_two = learner_of(STEADY), learner_of(STEADY)
    train(straight, STEADY)
    train(in_two, STEADY, n_epochs=1)
    assert in_two.epoch == 1
    train(in_two, STEADY)
    assert same_tensors(in_two.state()[0], straight.state()[0])
    assert train(in_two, STEADY) == []


def test_workers_and_looks_at_the_losses_change_nothing(learner_of, train):
    one, other = learner_of(STEADY), learner_of(STEADY)
    train(one, STEADY)
    train(other, STEADY.model_copy(update={"workers": 3, "log_steps": 1}))
    assert same_tensors(one.state()[0], other.state()[0])


def test_bfloat16_learns_too(learner_of):
    settings = STEADY.model_copy(
        update={"device": "cpu", "precision": "bfloat16", "clip_norm": 1.0, "average": EMA(decay=0.9)}
    )
    learner = learner_of(settings)
    half = fabric_for(settings)
    losses = [each.losses["total"] for each in fit(half, learner, {"curated": stream_of()}, settings, Chance(0))]
    exact = learner_of(STEADY)
    whole = fabric_for(STEADY.model_copy(update={"device": "cpu", "precision": "float32"}))
    wanted = [each.losses["total"] for each in fit(whole, exact, {"curated": stream_of()}, STEADY, Chance(0))]
    assert losses[0] == pytest.approx(wanted[0], rel=0.05) and losses != wanted
    assert all(p.dtype == torch.float32 for p in learner.objective.parameters())


class _Whole:
    """A stream whose batches are cut in ``n`` (the same clips either way)."""

    def __init__(self, n: int) -> None:
        self.n, self.inner = n, stream_of((4000,) * 8, batch_size=8)
        self.settings = self.inner.settings

    def __len__(self) -> int:
        return self.n

    def batch(self, number: int) -> Any:
        whole = self.inner.batch(number // self.n)
        size = 8 // self.n
        rows = slice(number % self.n * size, (number % self.n + 1) * size)
        names = ("values", "lengths", "targets", "known", "weights", "origins")
        return whole.changed(**{name: getattr(whole, name)[rows] for name in names}, ids=whole.ids[rows])


def test_accumulating_halves_is_one_whole_batch(learner_of, train):
    ends = []
    for n in (1, 2, 4):
        settings = STEADY.model_copy(update={"epochs": 3, "accumulate": n})
        learner = learner_of(settings)
        for module in learner.objective.network.modules():
            if isinstance(module, torch.nn.modules.batchnorm._BatchNorm | torch.nn.Dropout):
                module.train = lambda mode, module=module: module  # type: ignore[method-assign]
                module.training = False
        epochs = train(learner, settings, {"curated": _Whole(n)})
        assert learner.step == 3
        ends.append((epochs[-1].losses["total"], epochs[-1].gradient_norm))
    for end in ends[1:]:
        assert end == pytest.approx(ends[0], rel=1e-4)


def test_what_does_not_fill_an_accumulated_step_waits_for_the_next_epoch(learner_of, train):
    seen: list[int] = []
    stream = stream_of((4000,) * 20)
    batch = stream.batch
    stream.batch = lambda number: (seen.append(number), batch(number))[1]  # type: ignore[method-assign]
    settings = STEADY.model_copy(update={"accumulate": 2})
    learner = learner_of(settings)
    assert [each.n_clips for each in train(learner, settings, {"curated": stream})] == [16, 16]
    assert seen == list(range(8)) and learner.step == 4


def test_clipping_bounds_the_step_and_reports_the_norm_before(learner_of, train):
    norms: list[float] = []
    for limit in (None, 1e-3, 1e3):
        settings = STEADY.model_copy(update={"epochs": 1, "clip_norm": limit})
        learner = learner_of(settings)
        step = learner.optimizer.step

        def watched(*rest: Any, step: Any = step, learner: Any = learner, **more: Any) -> Any:
            grads = [p.grad.norm() for p in learner.objective.parameters() if p.grad is not None]
            norms.append(float(torch.stack(grads).norm()))
            return step(*rest, **more)

        learner.optimizer.step = watched
        norms.clear()
        reported = train(learner, settings)[0].gradient_norm
        if limit == 1e-3:
            assert len(norms) == 6 and max(norms) <= 1e-3 * 1.001 and reported > 0.05
        else:
            assert reported == pytest.approx(sum(norms) / len(norms), rel=1e-4)


@pytest.mark.parametrize(("accumulate", "step"), [(1, 4), (2, 2), (4, 1)])
def test_a_loss_that_is_no_number_is_named_with_its_first_step(learner_of, train, accumulate, step):
    parts = {"fine": Part(), "spoilt": Part(term=Supervised(loss=Spoilt(good_calls=3)))}
    settings = STEADY.model_copy(update={"accumulate": accumulate})
    learner = learner_of(settings, parts=parts)
    with pytest.raises(Diverged, match=f"'spoilt' was no longer finite at step {step}; lower the") as raised:
        train(learner, settings, {"curated": stream_of((4000,) * 32)})
    assert (raised.value.step, raised.value.term) == (step, "spoilt")
    assert learner.epoch == 0


def test_divergence_is_found_at_the_next_look(learner_of, train):
    parts = {"spoilt": Part(term=Supervised(loss=Spoilt(good_calls=0)))}
    for looks, n_calls in ((2, 2), (100, 6)):
        CALLS.clear()
        settings = STEADY.model_copy(update={"log_steps": looks})
        with pytest.raises(Diverged, match="step 1;"):
            train(learner_of(settings, parts=parts), settings)
        assert len(CALLS) == n_calls


@pytest.mark.parametrize(
    "error",
    [
        MemoryError("no more"),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 99 bytes. Error code 12"),
        RuntimeError("MPS backend out of memory (MPS allocated: 9 GB)"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate(handle)"),
    ],
)
def test_running_out_of_memory_ends_in_a_sentence_with_a_smaller_batch(learner_of, train, monkeypatch, error):
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(Objective, "forward", fail)
    streams = {"curated": stream_of(batch_size=2), "large": stream_of(batch_size=6, seed=1)}
    with pytest.raises(RunError, match=r"6 clips a batch in stream 'large'; try -s streams\.large\.batch_size=3 "):
        train(learner_of(STEADY), STEADY, streams)
    with pytest.raises(RunError, match=r"1 clips? a batch .* shorter streams\.curated\.crop\.length_s"):
        train(learner_of(STEADY), STEADY, {"curated": stream_of(batch_size=1)})


def test_other_errors_come_as_they_are(learner_of, train, monkeypatch):
    def fail(*_: object) -> None:
        raise RuntimeError("shapes do not fit")

    monkeypatch.setattr(Objective, "forward", fail)
    with pytest.raises(RuntimeError, match="shapes do not fit"):
        train(learner_of(STEADY), STEADY)


def test_a_batch_that_cannot_be_made_is_named_and_its_threads_end(learner_of, train):
    stream = stream_of()
    batch = stream.batch

    def fail(number: int) -> Any:
        if number == 2:
            raise OSError("the disk is gone")
        return batch(number)

    stream.batch = fail  # type: ignore[method-assign]
    learner = learner_of(STEADY)
    with pytest.raises(DataError, match=r"batch 2 could not be made: OSError: the disk is gone"):
        train(learner, STEADY, {"curated": stream})
    assert learner.step == 2
    assert not [each for each in threading.enumerate() if each.name.startswith("earmark-prefetch")]


def test_no_thread_is_left_when_a_training_diverges(learner_of, train):
    parts = {"spoilt": Part(term=Supervised(loss=Spoilt(good_calls=0)))}
    settings = STEADY.model_copy(update={"log_steps": 1})
    with pytest.raises(Diverged) as raised:
        train(learner_of(settings, parts=parts), settings)
    assert raised.value.__traceback__ is not None  # which keeps the frames of the loop alive
    assert not [each for each in threading.enumerate() if each.name.startswith("earmark-prefetch")]


def test_the_network_is_left_in_training_and_progress_is_shown(fabric, learner_of):
    shown: list[tuple[int, str]] = []

    def track(numbers: Any, total: int, what: str) -> Any:
        shown.append((total, what))
        return numbers

    learner = learner_of(STEADY)
    for _ in fit(fabric, learner, {"curated": stream_of()}, STEADY, stream_of().chance, track=track):
        learner.objective.eval()  # as a validation in the caller's loop may do
    assert shown == [(6, "train"), (6, "train")]


def test_a_validation_between_epochs_changes_nothing(fabric, learner_of):
    ends = []
    for peek in (False, True):
        learner = learner_of(STEADY)
        for _ in fit(fabric, learner, {"curated": stream_of()}, STEADY, stream_of().chance):
            if peek:
                learner.objective.eval()
                torch.manual_seed(5)
                with torch.no_grad():
                    learner.objective.network(learner.objective.view(stream_of().batch(0)))
        ends.append(learner.state()[0])
    assert same_tensors(*ends)


def test_what_is_compiled_is_what_runs(learner_of, train, monkeypatch):
    """Terms call the encoder and the heads, so those are what must be compiled, not the network around them."""
    ran: list[str] = []

    def compiled(self: torch.nn.Module) -> None:
        def call(*arguments: Any) -> Any:
            ran.append(type(self).__name__)
            return self._call_impl(*arguments)

        self._compiled_call_impl = call

    monkeypatch.setattr(torch.nn.Module, "compile", compiled)
    settings = STEADY.model_copy(update={"epochs": 1, "compile": True})
    train(learner_of(settings), settings)
    assert {"SkipCNNModule", "MeanMaxModule"} <= set(ran)
