"""ResNets and SE-ResNeXts are the published ones: their sizes, their shapes, and what plain torch makes of the same."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from earmark.core.errors import SettingsError
from earmark.core.spec import Spec
from earmark.models.encoders.encoder import EncoderModule
from earmark.models.encoders.resnet import ResNet
from earmark.models.encoders.se_resnext import SEResNeXt
from earmark.models.heads.pooled import Pooled
from earmark.models.network import ModelSettings, n_parameters
from tests.tiny import alone, features, stirred

MEL = Spec("features", 127.0, 1, 128)
SIZE_18 = 11_689_512 - 513_000
XRESNET = {"stem": "deep", "shortcut": "pooled", "zero_start": True, "self_attention": True}


def built(encoder: ResNet | SEResNeXt, spec: Spec = MEL) -> EncoderModule:
    with torch.device("meta"):
        return encoder.build(spec)


def test_the_net_of_akiyama_and_sato_with_both_heads():
    heads = {"main": Pooled(), "noisy": Pooled()}
    with torch.device("meta"):
        network = ModelSettings(encoder=ResNet(), heads=heads).build(MEL, 80)
    assert n_parameters(network.encoder) == 21_275_264 + 3_136
    assert [n_parameters(head) for head in network.heads.values()] == [1_656_912] * 2
    assert n_parameters(network) == 24_592_224


@pytest.mark.parametrize(
    ("encoder", "parameters"),
    [
        # The nets of image recognition without their last layer, on three channels.
        (ResNet(layers=18), SIZE_18),
        (ResNet(layers=34), 21_797_672 - 513_000),
        (SEResNeXt(), 27_559_896 - 2_049_000),
        (
            ResNet(layers=18, stem="deep", shortcut="pooled"),
            SIZE_18 - 9_408 + 9 * (3 * 32 + 32 * 64 + 64 * 64) + 2 * 32 + 2 * 64,
        ),
    ],
)
def test_published_sizes_on_three_channels(encoder, parameters):
    assert n_parameters(built(encoder, Spec("features", 127.0, 3, 128))) == parameters


def test_copies_and_input_norm_are_three_channels_and_six_numbers():
    on_three = n_parameters(built(ResNet(layers=18), Spec("features", 43.0, 3, 128)))
    assert n_parameters(built(ResNet(layers=18, copies=3, input_norm=True))) == on_three + 6


def test_simple_self_attention_is_one_matrix_and_a_scale_that_starts_at_nothing():
    plain, attentive = (ResNet(layers=18, **{**XRESNET, "self_attention": on}) for on in (False, True))
    assert n_parameters(built(attentive)) == n_parameters(built(plain)) + 64 * 64 + 1
    module = ResNet(layers=18, width=0.125, **XRESNET).build(MEL)
    assert [float(p.detach()) for name, p in module.named_parameters() if name.endswith("attention.scale")] == [0.0]
    last = [block.second.norm.weight for stage in module.stages for block in stage]
    assert len(last) == 8 and not any(bool(weight.any()) for weight in last)


@pytest.mark.parametrize(
    ("encoder", "widths", "frames"),
    [
        (ResNet(layers=18), (64, 128, 256, 512), (65, 33, 17, 9)),
        (ResNet(layers=18, **XRESNET), (64, 128, 256, 512), (65, 33, 17, 9)),
        (SEResNeXt(), (256, 512, 1024, 2048), (64, 32, 16, 8)),
    ],
)
def test_shapes_stage_by_stage(encoder, widths, frames):
    module = built(encoder)
    encoded = module(torch.zeros(2, 1, 128, 257, device="meta"), None)
    assert [tuple(tap.maps.shape) for tap in encoded.taps] == [
        (2, n, 32 // 2**i, t) for i, (n, t) in enumerate(zip(widths, frames, strict=True))
    ]
    assert [tuple(shape) for shape in module.taps] == [(n, 32 // 2**i, 4 * 2**i) for i, n in enumerate(widths)]
    assert encoded.taps[-1].maps is encoded.maps


class Norms:
    """Weights of a module in the order of its layers, for a net written down once more without its structure."""

    def __init__(self, module: nn.Module) -> None:
        self.left = [each for each in module.modules() if isinstance(each, nn.Conv2d | nn.BatchNorm2d | nn.Linear)]

    def layer(self, values: Tensor, kind: type[nn.Module]) -> Tensor:
        assert isinstance(self.left[0], kind)
        return self.left.pop(0)(values)

    def unit(self, values: Tensor) -> Tensor:
        return self.layer(self.layer(values, nn.Conv2d), nn.BatchNorm2d)


@pytest.mark.parametrize("deep", [False, True])
def test_a_resnet_written_down_once_more(deep):
    torch.manual_seed(0)
    extra = {"stem": "deep", "shortcut": "pooled"} if deep else {}
    module = stirred(ResNet(layers=34, width=0.125, **extra).build(MEL))
    values = torch.randn(2, 1, 43, 51)
    net = Norms(module)
    found = F.relu(net.unit(values))
    if deep:
        found = F.relu(net.unit(F.relu(net.unit(found))))
    found = F.max_pool2d(found, 3, 2, 1)
    for stage, depth in enumerate((3, 4, 6, 3)):
        for block in range(depth):
            past, found = found, net.unit(F.relu(net.unit(found)))
            if stage and not block:
                past = net.unit(F.avg_pool2d(past, 2, ceil_mode=True) if deep else past)
            found = F.relu(found + past)
    assert not net.left
    with torch.no_grad():
        torch.testing.assert_close(module(values, None).maps, found)


def test_an_se_resnext_written_down_once_more():
    torch.manual_seed(0)
    module = stirred(SEResNeXt(depths=(2, 3), width=0.125, groups=4).build(MEL))
    values = torch.randn(2, 1, 43, 52)
    net = Norms(module)
    found = F.max_pool2d(F.relu(net.unit(values)), 3, 2, ceil_mode=True)
    for depth in (2, 3):
        for block in range(depth):
            past = found
            found = net.unit(F.relu(net.unit(F.relu(net.unit(found)))))
            hidden = F.relu(net.layer(found.mean(dim=(2, 3)), nn.Linear))
            found = found * net.layer(hidden, nn.Linear).sigmoid()[:, :, None, None]
            found = F.relu(found + (past if block else net.unit(past)))
    assert not net.left
    with torch.no_grad():
        torch.testing.assert_close(module(values, None).maps, found)


def test_simple_self_attention_is_that_between_places():
    """The published order of the products, places by places; only the mean over places is ours."""
    torch.manual_seed(0)
    block = stirred(ResNet(layers=18, width=0.125, self_attention=True).build(MEL)).stages[0][-1]
    values = torch.randn(3, 8, 5, 7)
    with torch.no_grad():
        block.attention.scale.fill_(0.7)
        places, matrix = values.flatten(2), block.attention.matrix.weight
        assert float(torch.linalg.matrix_norm(matrix, 2)) == pytest.approx(1, rel=0.2)
        between = torch.bmm(places.transpose(1, 2), torch.matmul(matrix, places))
        wanted = places + 0.7 * torch.bmm(places, between) / places.shape[2]
        torch.testing.assert_close(block.attention(values, None), wanted.view_as(values))


@pytest.mark.parametrize(
    "encoder",
    [
        ResNet(layers=18, width=0.125, input_norm=True, copies=2),
        ResNet(layers=18, width=0.125, stem="deep", shortcut="pooled", self_attention=True),
        SEResNeXt(depths=(1, 1, 2, 1), width=0.125, groups=4),
    ],
)
def test_every_stage_hears_a_clip_in_a_batch_as_it_hears_it_alone(encoder):
    torch.manual_seed(0)
    module = stirred(encoder.build(MEL))
    lengths = [203, 64, 97, 41, 33, 3]
    batch = features(MEL, lengths)
    with torch.no_grad():
        together = module(batch.values, batch.lengths)
        for row in range(len(lengths)):
            apart = module(alone(batch, row).values, None)
            for one, other in zip(apart.taps, together.taps, strict=True):
                n = one.maps.shape[3]
                assert int(other.lengths[row]) == n
                torch.testing.assert_close(other.maps[row, ..., :n], one.maps[0], atol=1e-4, rtol=1e-4)
                assert not other.maps[row, ..., n:].any()


def test_what_cannot_be_built_is_refused():
    with pytest.raises(SettingsError, match="se_resnext needs 3 bands or more, but the view gives 2"):
        SEResNeXt().build(Spec("features", 100.0, 1, 2))
    with pytest.raises(ValueError, match="at least one block"):
        SEResNeXt(depths=(3, 0))
    with pytest.raises(ValueError, match="layers"):
        ResNet(layers=50)
