"""The residual nets of ex4sperans have the published sizes and compute what their plain formulation computes."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from earmark.core.errors import SettingsError
from earmark.core.spec import Spec
from earmark.models.encoders.deep_cnn import DeepCNN
from earmark.models.network import n_parameters
from tests.models.plain import noise, published, shared
from tests.tiny import stirred

LAYERS = {"act": "prelu", "input_norm": True, "hidden": "same", "norm": "before", "dropout": 0.5}
MAXIMA = {"kind": "pooled", "taps": True, "time": "max", "bands": "max", **LAYERS}
GRUS = {"kind": "recurrent", "taps": True, "bands": "mean", "layer_norm": True, "units": 128, "layers": 1, **LAYERS}


class PlainResidual(nn.Module):
    def __init__(self, n: int, d: int) -> None:
        super().__init__()
        conv, norm = ((nn.Conv1d, nn.BatchNorm1d), (nn.Conv2d, nn.BatchNorm2d))[d - 1]
        self.inner = nn.Sequential(
            *(conv(n, n, 1), norm(n), nn.PReLU(n), conv(n, n, 3, padding=1), norm(n), nn.PReLU(n), conv(n, n, 1)),
            norm(n),
        )
        self.act = nn.PReLU(n)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return self.act(self.inner(values) + values)


def plain_block(n_in: int, n: int, d: int) -> nn.Sequential:
    if d == 1:
        first = [nn.BatchNorm1d(n_in), nn.Conv1d(n_in, n, 3), nn.MaxPool1d(2), nn.BatchNorm1d(n)]
    else:
        first = [nn.BatchNorm2d(n_in), nn.Conv2d(n_in, n, 3, padding=1), nn.MaxPool2d(2), nn.BatchNorm2d(n)]
    return nn.Sequential(*first, nn.PReLU(n), PlainResidual(n, d))


@pytest.mark.parametrize(("one_d", "n_frames"), [(False, 37), (True, 50)])
def test_deep_cnn_is_its_plain_blocks(one_d, n_frames):
    settings = DeepCNN(blocks=3, base=4, one_d=one_d)
    net = stirred(settings.build(Spec("features", 43.0, 2, 19)))
    assert settings.widths == (4, 6, 9) and [tap.n_channels for tap in net.taps] == [6, 9]
    values, n_in, d = noise(2, 2, 19, n_frames), 38 if one_d else 2, 1 if one_d else 2
    with torch.no_grad():
        found = net(values, None)
        values = values.flatten(1, 2) if one_d else values
        for k, (block, width) in enumerate(zip(net.blocks, settings.widths, strict=True)):
            values = shared(block, plain_block(n_in, width, d))(values)
            n_in = width
            if k:
                tap = found.taps[k - 1].maps
                torch.testing.assert_close(tap.squeeze(2) if one_d else tap, values)
                assert tap.shape[1:3] == net.taps[k - 1][:2]
    assert found.maps is found.taps[-1].maps


# Rounded as the counts are: 2.34, 9.25, 21.5 and 11.3 million.
@pytest.mark.parametrize(
    ("settings", "bands", "pooled", "n"),
    [
        ({"base": 50}, (2, 128), 75 + 112 + 168 + 253, 2_337_426),
        ({}, (2, 128), 150 + 225 + 337 + 506, 9_248_771),
        ({"blocks": 6}, (2, 128), 150 + 225 + 337 + 506 + 759, 21_545_583),
        ({"blocks": 6, "one_d": True}, (1, 129), 150 + 225 + 337 + 506 + 759, 11_334_965),
    ],
)
def test_deep_cnn_has_the_published_sizes_with_maxima_and_with_grus(settings, bands, pooled, n):
    spec = Spec("features", 43.0, *bands)
    network = published(DeepCNN(**settings), MAXIMA, spec)
    assert n_parameters(network) == n
    norm, linear = [m for m in network.heads["main"].modules() if isinstance(m, nn.BatchNorm1d | nn.Linear)][:2]
    assert norm.num_features == linear.in_features == linear.out_features == pooled
    head = published(DeepCNN(**settings), {**GRUS, "both_ways": True}, spec).heads["main"]
    assert [net.n_out for net in head.nets] == [256] * (4 if settings.get("blocks") != 6 else 5)
    assert head.layers[2].in_features == 256 * len(head.nets)


def test_deep_cnn_says_what_it_cannot_do():
    with pytest.raises(SettingsError, match="needs 32 of them, but the view gives 31"):
        DeepCNN().build(Spec("features", 43.0, 2, 31))
    with pytest.raises(ValueError, match="taps begin at block 5, but 5 blocks are counted from 0 to 4"):
        DeepCNN(first_tap=5)
    assert DeepCNN(blocks=6).shortest(Spec("features", 43.0, 2, 128)) == 64
    assert DeepCNN(blocks=6, one_d=True).shortest(Spec("features", 300.0, 1, 129)) == 190
