"""Augmentations that are switched off after some epochs: all of them, for every stream, after a resume as well."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from earmark.core.batch import Batch
from earmark.core.chance import Chance
from earmark.core.spec import Spec
from earmark.objectives.objective import Objective, Part
from earmark.runs.checkpoints import load, save
from earmark.signal.augment.gain import Gain
from earmark.signal.augment.mixing.mixup import Mixup
from earmark.signal.augment.mixing.partners import Partner
from earmark.signal.augment.spectrogram.frequency_mask import FrequencyMask
from earmark.signal.view import build_view
from earmark.training.fit import fit
from earmark.training.learner import Learner
from earmark.training.settings import TrainingSettings
from tests.tiny import MODEL, N_CLASSES, RATE_HZ, VIEW, same_tensors, stream_of

STEPS = (
    Gain(p=1),
    Mixup(p=1, partner=Partner(stream="noisy")),
    *VIEW,
    FrequencyMask(p=1, narrowest_bands=2, widest_bands=4),
)
STREAMS = {"curated": stream_of((4000,) * 8), "noisy": stream_of((4000,) * 8, batch_size=3, seed=1)}
SETTINGS = TrainingSettings(epochs=4, augment_epochs=2)


def learner(settings: TrainingSettings = SETTINGS) -> Learner:
    view = build_view(STEPS, Spec("wave", RATE_HZ))
    torch.manual_seed(0)
    network = MODEL.build(view.spec, N_CLASSES).to(memory_format=torch.channels_last)
    parts = {"apart": Part(streams=("curated", "noisy")), "joint": Part(streams=("curated", "noisy"), joint=True)}
    return Learner(Objective(parts, view, network), settings.optimizer, settings.average)


def watched(fabric: Any, one: Learner, settings: TrainingSettings, n_epochs: int = 0) -> list[list[bool]]:
    """Train, and tell for each epoch and each call of the network whether it saw clean clips."""
    seen: list[tuple[Batch, Batch]] = []
    told: list[list[bool]] = []
    encoded: list[torch.Tensor] = []
    view, encoder = one.objective.view, one.objective.network.encoder
    hooks = [
        view.register_forward_hook(lambda module, inputs, out: seen.append((inputs[0], out))),
        encoder.register_forward_pre_hook(lambda module, inputs: encoded.append(inputs[0].clone())),
    ]
    for _ in fit(fabric, one, STREAMS, settings, Chance(0)):
        pairs, pictures = list(seen), list(encoded)
        clean = [torch.equal(view(came).values, out.values) and same_labels(came, out) for came, out in pairs]
        given = [any(torch.equal(picture[: len(out)], out.values) for _, out in pairs) for picture in pictures]
        assert pairs and pictures and all(given), "the network sees what the view gave"
        told.append(clean)
        seen.clear()
        encoded.clear()
        if len(told) == n_epochs:
            break
    for hook in hooks:
        hook.remove()
    return told


def same_labels(came: Batch, out: Batch) -> bool:
    return came.ids == out.ids and torch.equal(came.targets, out.targets) and torch.equal(came.known, out.known)


@pytest.mark.parametrize("augment_epochs", [0, 1, 3, None])
def test_from_that_epoch_on_every_batch_is_that_of_the_clean_view(fabric, augment_epochs):
    settings = SETTINGS.model_copy(update={"augment_epochs": augment_epochs})
    told = watched(fabric, learner(settings), settings)
    on = 4 if augment_epochs is None else augment_epochs
    assert [set(each) for each in told] == [{False}] * on + [{True}] * (4 - on)


@pytest.mark.parametrize("stop_after", [1, 2, 3])
def test_a_resumed_training_switches_off_when_the_other_did(fabric, tmp_path, stop_after):
    straight, stopped, resumed = learner(), learner(), learner()
    told = watched(fabric, straight, SETTINGS)
    first = watched(fabric, stopped, SETTINGS, n_epochs=stop_after)
    save(tmp_path / "last", *stopped.state())
    resumed.load(*load(tmp_path / "last"))
    assert first + watched(fabric, resumed, SETTINGS) == told
    assert same_tensors(resumed.state()[0], straight.state()[0])


def test_a_switch_that_would_never_come_is_refused():
    with pytest.raises(ValueError, match="augment_epochs is 4, so augmentations would never be switched off in 4"):
        TrainingSettings(epochs=4, augment_epochs=4)
