"""Soups of weights: means, counters, strangers, and what a greedy soup takes."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from earmark.core.errors import RunError
from earmark.ensemble.soup import greedy, mean_of, uniform
from tests.tiny import same_tensors


def net(seed: int, width: int = 3) -> dict[str, torch.Tensor]:
    torch.manual_seed(seed)
    module = nn.Sequential(nn.Linear(2, width), nn.BatchNorm1d(width))
    module(torch.randn(8, 2))
    return dict(module.state_dict())


def test_every_tensor_is_the_mean() -> None:
    states = [net(i) for i in range(3)]
    made = mean_of(states)
    for name in states[0]:
        wanted = sum(state[name].double() for state in states) / 3
        torch.testing.assert_close(made[name].double(), wanted)
        assert made[name].dtype == states[0][name].dtype
    assert made["1.num_batches_tracked"] == 1, "counters are no numbers to average"


def test_a_soup_of_one_or_of_equals_is_the_same() -> None:
    one = net(0)
    assert same_tensors(mean_of([one]), one) and same_tensors(mean_of([one, one, one, one]), one)
    assert uniform({"b": one, "a": one}).taken == ("b", "a")


def test_strangers_are_refused() -> None:
    with pytest.raises(RunError, match=r"'0\.weight' is \(4, 2\) there and \(3, 2\) here"):
        mean_of([net(0), net(1, width=4)])
    with pytest.raises(RunError, match="at least one"):
        mean_of([])


def test_a_greedy_soup_takes_what_helps() -> None:
    target = torch.tensor([1.0, 1.0])
    states = {name: {"w": torch.tensor(value)} for name, value in {
        "far": [9.0, 9.0], "left": [0.0, 1.0], "right": [2.2, 1.0], "same": [0.0, 1.0]}.items()}  # fmt: skip
    asked = []

    def score(state: dict[str, torch.Tensor]) -> float:
        asked.append(state)
        return -float((state["w"] - target).norm())

    soup = greedy(states, score)
    assert soup.taken == ("left", "same", "right") and soup.score is not None
    torch.testing.assert_close(soup.tensors["w"], torch.tensor([2.2 / 3, 1.0]))
    assert soup.score >= max(score(state) for state in states.values())
    assert len(asked) == 4 + 3 + 4
