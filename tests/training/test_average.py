from __future__ import annotations

import pytest
import torch
from torch import nn

from earmark.training.average import Average
from tests.tiny import same_tensors


def net_of(value: float) -> nn.Module:
    """A batch norm whose every number is the same."""
    net = nn.BatchNorm1d(2)
    with torch.no_grad():
        for tensor in net.state_dict().values():
            tensor.fill_(value)
    return net


def test_it_starts_at_the_network_and_does_not_share_its_memory():
    net = net_of(2.0)
    average = Average(net, 0.9)
    assert same_tensors(average.state, net.state_dict())
    with torch.no_grad():
        net.weight.fill_(7.0)
    assert average.state["weight"].tolist() == [2.0, 2.0]


def test_buffers_are_averaged_with_the_weights_and_counters_copied():
    average = Average(net_of(0.0), 0.9)
    average.update(net_of(10.0), step=1000)
    for name in ("weight", "bias", "running_mean", "running_var"):
        torch.testing.assert_close(average.state[name], torch.full((2,), 1.0))
    assert average.state["num_batches_tracked"].item() == 10


@pytest.mark.parametrize("decay", [0.5, 0.9])
def test_late_steps_follow_the_closed_form(decay):
    average = Average(net_of(1.0), decay)
    wanted = 1.0
    for i in range(12):
        value = float((i * 7) % 5)
        average.update(net_of(value), step=1000 + i)
        wanted = decay * wanted + (1 - decay) * value
    torch.testing.assert_close(average.state["running_mean"], torch.full((2,), wanted))


def test_early_steps_forget_the_start():
    average = Average(net_of(100.0), 0.999)
    wanted = 100.0
    for step in range(1, 30):
        average.update(net_of(1.0), step)
        wanted = 1.0 + (wanted - 1.0) * (1 + step) / (10 + step)
    torch.testing.assert_close(average.state["weight"], torch.full((2,), wanted), rtol=1e-4, atol=0)
    assert wanted < 1.01


def test_the_average_of_what_stands_still_is_what_stands_still():
    net = net_of(0.3)
    average = Average(net, 0.99)
    for step in range(1, 20):
        average.update(net, step)
    assert same_tensors(average.state, net.state_dict())


def test_the_memory_layout_stays():
    net = nn.Conv2d(3, 4, 3).to(memory_format=torch.channels_last)
    average = Average(net, 0.9)
    average.update(net, 1)
    assert average.state["weight"].is_contiguous(memory_format=torch.channels_last)
    assert not average.state["weight"].requires_grad
