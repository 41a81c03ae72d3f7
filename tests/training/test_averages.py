from __future__ import annotations

import pytest
import torch
from torch import nn

from earmark.core.errors import SettingsError
from earmark.core.settings import read
from earmark.schedules.schedule import Place
from earmark.training.averages.averaged import Averaged
from earmark.training.averages.ema import EMA
from earmark.training.averages.swa import SWA
from earmark.training.settings import TrainingSettings
from tests.tiny import same_tensors


def net_of(value: float) -> nn.Module:
    """A batch norm whose every number is the same."""
    net = nn.BatchNorm1d(2)
    with torch.no_grad():
        for tensor in net.state_dict().values():
            tensor.fill_(value)
    return net


def after(step: int, steps_per_epoch: int = 10, n_epochs: int = 1000) -> Place:
    return Place(step, steps_per_epoch, n_epochs)


def steps_taken(settings: SWA, steps_per_epoch: int, n_epochs: int) -> list[int]:
    """The steps after which weights are taken, checked to be a plain mean."""
    taken = []
    for step in range(1, steps_per_epoch * n_epochs + 1):
        share = settings.share(after(step, steps_per_epoch, n_epochs), len(taken))
        if share:
            taken.append(step)
            assert share == 1 / len(taken)
    return taken


def test_it_starts_at_the_network_and_does_not_share_its_memory():
    net = net_of(2.0)
    average = Averaged(net, EMA(decay=0.9))
    assert same_tensors(average.state, net.state_dict())
    with torch.no_grad():
        net.weight.fill_(7.0)
    assert average.state["weight"].tolist() == [2.0, 2.0]


def test_buffers_are_averaged_with_the_weights_and_counters_copied():
    average = Averaged(net_of(0.0), EMA(decay=0.9))
    average.update(net_of(10.0), after(1000))
    for name in ("weight", "bias", "running_mean", "running_var"):
        torch.testing.assert_close(average.state[name], torch.full((2,), 1.0))
    assert average.state["num_batches_tracked"].item() == 10


@pytest.mark.parametrize("decay", [0.5, 0.9])
def test_late_steps_follow_the_closed_form(decay):
    average = Averaged(net_of(1.0), EMA(decay=decay))
    wanted = 1.0
    for i in range(12):
        value = float((i * 7) % 5)
        average.update(net_of(value), after(1000 + i))
        wanted = decay * wanted + (1 - decay) * value
    torch.testing.assert_close(average.state["running_mean"], torch.full((2,), wanted))


def test_early_steps_forget_the_start():
    average = Averaged(net_of(100.0), EMA(decay=0.999))
    wanted = 100.0
    for step in range(1, 30):
        average.update(net_of(1.0), after(step))
        wanted = 1.0 + (wanted - 1.0) * (1 + step) / (10 + step)
    torch.testing.assert_close(average.state["weight"], torch.full((2,), wanted), rtol=1e-4, atol=0)
    assert wanted < 1.01


@pytest.mark.parametrize("settings", [EMA(), SWA(from_share=0, every_steps=1)])
def test_the_average_of_what_stands_still_is_what_stands_still(settings):
    net = net_of(0.3)
    average = Averaged(net, settings)
    for step in range(1, 20):
        average.update(net, after(step))
    assert same_tensors(average.state, net.state_dict())


@pytest.mark.parametrize("settings", [EMA(decay=0.9), SWA(from_share=0, every_steps=1)])
def test_the_memory_layout_stays(settings):
    net = nn.Conv2d(3, 4, 3).to(memory_format=torch.channels_last)
    average = Averaged(net, settings)
    average.update(net, after(1))
    assert average.state["weight"].is_contiguous(memory_format=torch.channels_last)
    assert not average.state["weight"].requires_grad


def test_stochastic_weight_averaging_is_the_plain_mean_of_what_it_takes():
    settings = SWA(from_share=0.5, every_steps=3)
    average = Averaged(net_of(-5.0), settings)
    values = []
    for step in range(1, 41):
        value = float((step * 7) % 11)
        average.update(net_of(value), after(step, 10, 4))
        if step >= 20 and (step - 20) % 3 == 0:
            values.append(value)
    assert average.n_taken == len(values) == 7
    torch.testing.assert_close(average.state["weight"], torch.full((2,), sum(values) / len(values)))


def test_when_weights_are_taken():
    published = steps_taken(SWA(from_share=0.75, every_steps=1000), 1000, 200)
    assert published == list(range(150_000, 200_001, 1000))
    assert steps_taken(SWA(from_share=0.5), 7, 6) == [21, 28, 35, 42], "at the ends of epochs"
    assert steps_taken(SWA(from_share=0.4), 7, 6) == [21, 28, 35, 42], "17 steps are no whole epoch"
    assert steps_taken(SWA(from_share=0), 7, 3) == [7, 14, 21]


def test_a_plain_number_is_the_decay_of_a_moving_average():
    for value in (0.9, {"kind": "ema", "decay": 0.9}):
        assert read(TrainingSettings, {"average": value}).average == EMA(decay=0.9)
    assert read(TrainingSettings, {"average": None}).average is None
    assert read(TrainingSettings, {"average": "swa"}).average == SWA()
    again = read(TrainingSettings, TrainingSettings(average=SWA(every_steps=5)).model_dump(mode="json"))
    assert again.average == SWA(every_steps=5)


@pytest.mark.parametrize(
    ("value", "words"), [(1.5, "less than 1"), (0, "greater than 0"), (True, "kind"), ("sma", "did you")]
)
def test_averages_that_are_none(value, words):
    with pytest.raises(SettingsError, match=rf"average.*{words}"):
        read(TrainingSettings, {"average": value})
