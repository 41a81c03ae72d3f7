"""EnvNet-v2 on waves is that of Akiyama and Sato: its size, its shapes, its shortest clip, and its two axes."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from earmark.core.spec import Spec
from earmark.models.encoders.envnet_v2 import EnvNetV2
from earmark.models.heads.pooled import Pooled
from earmark.models.network import ModelSettings, n_parameters
from tests.tiny import stirred

WAVE = Spec("wave", 44100.0)


def test_published_size_with_both_heads():
    heads = {name: Pooled(time="max", bands="flat") for name in ("main", "noisy")}
    with torch.device("meta"):
        network = ModelSettings(encoder=EnvNetV2(), heads=heads).build(WAVE, 80)
    assert n_parameters(network.encoder) == 374_848
    assert [n_parameters(head) for head in network.heads.values()] == [3_754_064] * 2
    assert n_parameters(network) == 7_882_976


@pytest.mark.parametrize(("samples", "frames"), [(20_570, 1), (66_650, 16), (133_300, 37), (200_000, 59)])
def test_maps_of_the_published_lengths(samples, frames):
    with torch.device("meta"):
        module = EnvNetV2().build(WAVE)
        assert module(torch.zeros(2, samples), None).maps.shape == (2, 256, 10, frames)
    assert (module.n_channels, module.n_bands, module.stride) == (256, 10, 3072)


def test_one_sample_less_than_the_shortest_is_too_few():
    settings = EnvNetV2(width=0.1, rows=19)
    assert settings.shortest(WAVE) == 20_570
    module = settings.build(WAVE).eval()
    assert module(torch.zeros(1, 20_570), None).maps.shape == (1, 26, 1, 1)
    with pytest.raises(RuntimeError, match=r"[Oo]utput size is too small|Kernel size can't be greater"):
        module(torch.zeros(1, 20_569), None)


def test_the_net_written_down_once_more_on_pictures_one_row_high():
    """As published: two-dimensional convolutions throughout, channels and height exchanged after the third layer."""
    torch.manual_seed(0)
    module = stirred(EnvNetV2(width=0.25, rows=32).build(WAVE))
    left = [
        each for each in module.modules() if isinstance(each, nn.Conv1d | nn.Conv2d | nn.modules.batchnorm._BatchNorm)
    ]

    def unit(values, stride=(1, 1)):
        convolution, norm = left.pop(0), left.pop(0)
        weight = convolution.weight if convolution.weight.ndim == 4 else convolution.weight[:, :, None]
        values = F.conv2d(values, weight, stride=stride)
        return F.relu(F.batch_norm(values, norm.running_mean, norm.running_var, norm.weight, norm.bias))

    wave = torch.randn(2, 30_000)
    with torch.no_grad():
        values = unit(unit(wave[:, None, None], (1, 2)), (1, 2))
        values = F.max_pool2d(values, (1, 64)).transpose(1, 2)
        for pool in ((5, 3), (1, 2), (1, 2), (1, 1)):
            values = F.max_pool2d(unit(unit(values)), pool)
        torch.testing.assert_close(module(wave, None).maps, values)
    assert not left
