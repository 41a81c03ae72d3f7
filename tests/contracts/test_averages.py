"""What every average must keep to; a new member is tested the moment it exists."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from earmark.schedules.schedule import Place
from earmark.training.averages.average import Average
from earmark.training.averages.averaged import Averaged

VARIANTS: dict[str, list[dict[str, Any]]] = {
    "ema": [{"decay": 0.5}],
    "swa": [{"from_share": 0}, {"from_share": 0, "every_steps": 3}, {"from_share": 0.9, "every_steps": 1000}],
}
CASES = [
    pytest.param(member.model_validate(settings), id=f"{kind}-{i}")
    for kind, member in Average.members().items()
    for i, settings in enumerate([{}, *VARIANTS.get(kind, [])])
]
every_average = pytest.mark.parametrize("settings", CASES)


@every_average
@pytest.mark.parametrize(("n_epochs", "steps_per_epoch"), [(1, 1), (5, 7)])
def test_shares_are_shares_and_nothing_is_remembered(settings, n_epochs, steps_per_epoch):
    places = [Place(step, steps_per_epoch, n_epochs) for step in range(1, n_epochs * steps_per_epoch + 1)]
    shares = [settings.share(place, n) for n, place in enumerate(places)]
    assert all(0 <= share <= 1 for share in shares)
    again = type(settings).model_validate(settings.model_dump())
    assert [again.share(place, n) for n, place in reversed(list(enumerate(places)))] == shares[::-1]


@every_average
def test_the_average_lies_among_what_it_was_shown(settings):
    nets = [nn.Linear(2, 2) for _ in range(30)]
    average = Averaged(nets[0], settings)
    for step, net in enumerate(nets, start=1):
        average.update(net, Place(step, 10, 3))
    seen = torch.stack([net.weight.detach() for net in nets])
    assert bool((average.state["weight"] >= seen.amin(0) - 1e-6).all())
    assert bool((average.state["weight"] <= seen.amax(0) + 1e-6).all())
