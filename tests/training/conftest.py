"""What the tests of training share: one Fabric for all, and trainings of the tiny net."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
import torch
from lightning_fabric import Fabric

from earmark.core.chance import Chance
from earmark.data.streams import Stream
from earmark.training.devices import fabric_for
from earmark.training.fit import Epoch, fit
from earmark.training.learner import Learner
from earmark.training.settings import TrainingSettings
from tests.tiny import objective_of, stream_of

Train = Callable[..., list[Epoch]]


@pytest.fixture(scope="session")
def fabric() -> Fabric:
    """The processor, in float32."""
    return fabric_for(TrainingSettings(device="cpu", precision="float32"))


@pytest.fixture
def learner_of() -> Callable[..., Learner]:
    """Makes a learner of the tiny net by training settings; channels last, as trainings on a CPU are."""

    def make(settings: TrainingSettings, **objective: Any) -> Learner:
        made = objective_of(**objective)
        made.network.to(memory_format=torch.channels_last)
        return Learner(made, settings.optimizer, settings.average)

    return make


@pytest.fixture
def train(fabric: Fabric) -> Train:
    """Trains a learner to the last of ``n_epochs``, or of its settings."""

    def run(
        learner: Learner,
        settings: TrainingSettings,
        streams: Mapping[str, Stream] | None = None,
        n_epochs: int = 0,
        history: list[dict[str, Any]] | None = None,
    ) -> list[Epoch]:
        made = []
        streams = {"curated": stream_of()} if streams is None else streams
        for epoch in fit(fabric, learner, streams, settings, Chance(0), history=history):
            made.append(epoch)
            if history is not None:
                history.append({"epoch": epoch.number, **epoch.losses})
            if len(made) == n_epochs:
                break
        return made

    return run
