"""Sounds that can be foreseen and noise that cannot, and a net that is to learn to."""

from __future__ import annotations

from collections.abc import Callable

import torch

from earmark.core.batch import Batch
from earmark.core.chance import Chance
from earmark.core.spec import Spec
from earmark.models.encoders.plain_cnn import PlainCNN
from earmark.models.network import ModelSettings
from earmark.objectives.look import Look
from earmark.objectives.objective import Objective, Part, Step
from earmark.objectives.term import Term
from tests.tiny import N_CLASSES, features

SPEC = Spec("features", 100.0, 1, 12)
SMALL = ModelSettings(encoder=PlainCNN(widths=(8, 16), kernels=(3, 3), strides=(2, 2)))
"""A step is four frames, and hears seven."""


def unviewed(batch: Batch, *rest: object, **more: object) -> Batch:
    """A view that changes nothing."""
    return batch


def look_at(objective: Objective, batch: Batch) -> Look:
    return Look(objective.view, objective.network, {"noisy": batch}, Chance(0), 1.0)


def objective_of(term: Term, model: ModelSettings = SMALL) -> Objective:
    torch.manual_seed(0)
    network = model.build(SPEC, N_CLASSES)
    return Objective({"it": Part(streams=("noisy",), term=term)}, unviewed, network)  # type: ignore[arg-type]


def noise(seed: int, n: int = 16, time: int = 64) -> Batch:
    """White noise, other each time."""
    return features(SPEC, [time] * n, seed)


def ramps(seed: int, n: int = 16, time: int = 64) -> Batch:
    """Rows that light up one after another at a pace and from a row of the clip's own, round and round."""
    chance = torch.Generator().manual_seed(seed)
    pace = torch.randint(1, 4, (n, 1), generator=chance) / 4
    start = torch.randint(0, SPEC.n_bands, (n, 1), generator=chance)
    row = (start + torch.floor(pace * torch.arange(time))) % SPEC.n_bands
    values = 3.0 * torch.nn.functional.one_hot(row.long(), SPEC.n_bands).float().transpose(1, 2)[:, None]
    return noise(seed, n, time).changed(values=values + 0.1 * torch.randn(values.shape, generator=chance))


def learnt(term: Term, made: Callable[[int], Batch], n_steps: int) -> dict[str, float]:
    """The signs for batches never seen before, after learning from others."""
    objective = objective_of(term).train()
    optimizer = torch.optim.Adam(objective.parameters(), 0.01)
    for number in range(n_steps):
        objective(Step({"noisy": made(number)}, Chance(0), 1.0)).total.backward()
        optimizer.step()
        optimizer.zero_grad()
    with torch.no_grad():
        told = [objective(Step({"noisy": made(1000 + number)}, Chance(0), 1.0)).signs["it"] for number in range(4)]
    return {name: sum(float(signs[name]) for signs in told) / 4 for name in told[0]}
