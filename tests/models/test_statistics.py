from __future__ import annotations

import pytest
import torch
from torch import nn

from earmark.models.statistics import batch_norms, statistics_anew, statistics_held
from tests.tiny import same_tensors


def net() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv1d(2, 3, 3), nn.BatchNorm1d(3), nn.Sequential(nn.Conv1d(3, 4, 1), nn.BatchNorm1d(4)))


def state_of(module: nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in module.state_dict().items()}


def test_held_statistics_stay_and_the_output_is_that_of_training():
    held, free, x = net().train(), net().train(), torch.randn(5, 2, 9)
    before = state_of(held)
    with statistics_held(held):
        out = held(x)
    assert torch.equal(out, free(x))
    assert same_tensors(state_of(held), before)
    assert not same_tensors(state_of(free), before)
    held(x)
    assert same_tensors(state_of(held), state_of(free)), "afterwards they move again"


def test_held_statistics_are_let_go_when_something_fails():
    held = net().train()
    with pytest.raises(RuntimeError), statistics_held(held):
        held(torch.randn(5, 7, 9))
    assert len(batch_norms(held)) == 2


def test_statistics_anew_are_the_mean_over_the_batches():
    layer = nn.BatchNorm1d(3, momentum=0.01)
    layer.running_mean.fill_(100.0)
    batches = [torch.randn(8, 3) + i for i in range(4)]
    with statistics_anew(layer):
        for batch in batches:
            layer(batch)
    torch.testing.assert_close(layer.running_mean, torch.stack([b.mean(0) for b in batches]).mean(0))
    torch.testing.assert_close(layer.running_var, torch.stack([b.var(0) for b in batches]).mean(0))
    assert layer.momentum == 0.01


def test_statistics_anew_are_those_of_torch():
    mine, reference = net().train(), net().train()
    batches = [torch.randn(8, 2, 9) for _ in range(3)]
    torch.optim.swa_utils.update_bn(batches, reference)
    with statistics_anew(mine):
        for batch in batches:
            mine(batch)
    assert same_tensors(state_of(mine), state_of(reference))


def test_layers_without_statistics_are_left_alone():
    module = nn.Sequential(nn.BatchNorm1d(3, track_running_stats=False), nn.InstanceNorm1d(3), nn.LayerNorm(4))
    assert batch_norms(module) == []
    with statistics_held(module), statistics_anew(module):
        module(torch.randn(2, 3, 4))
    assert module[0].track_running_stats is False
