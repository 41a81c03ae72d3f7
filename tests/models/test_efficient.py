"""The efficient net against what is published of MobileNetV3 and EfficientAT, and what it changes."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from earmark.core.spec import Spec
from earmark.models.counting import multiply_adds
from earmark.models.encoders.efficient import STAGES, Efficient
from earmark.models.heads.pooled import Pooled
from earmark.models.layers.sizes import in_eights
from earmark.models.network import ModelSettings, n_parameters
from tests.tiny import features, stirred

MEL = Spec("features", 100.0, 1, 128)


def published(width: float, **changes) -> Efficient:
    return Efficient(width=width, **{"fused": 0, "large_kernel": 5, **changes})


def size(encoder: Efficient, n_classes: int = 527) -> int:
    head = Pooled(time="mean", bands="mean", hidden=(in_eights(1280, encoder.width),), dropout=0.2, act="hardswish")
    with torch.device("meta"):
        return n_parameters(ModelSettings(encoder=encoder, heads={"main": head}).build(MEL, n_classes))


# Millions of parameters, and thousands of millions of multiply-adds for 10 s, as EfficientAT gives them.
@pytest.mark.parametrize(
    ("width", "millions", "giga"), [(0.4, 0.983, 0.11), (0.5, 1.43, 0.16), (1, 4.88, 0.54), (2, 17.91, 2.06)]
)
def test_the_published_sizes(width, millions, giga):
    assert size(published(width)) / 1e6 == pytest.approx(millions, rel=0.0025)
    head = in_eights(960, width) * in_eights(1280, width) + in_eights(1280, width) * 527
    assert (multiply_adds(published(width), MEL, 1000) + head) / 1e9 == pytest.approx(giga, abs=0.005)


def test_the_published_features_have_as_many_parameters_as_torchvisions():
    # 5,483,032 with three channels, and a classifier from 960 over 1280 to 1000.
    with torch.device("meta"):
        found = n_parameters(published(1.0).build(Spec("features", 100.0, 3, 128)))
    assert found + 960 * 1280 + 1280 + 1280 * 1000 + 1000 == 5_483_032


def test_widths_reach_from_a_tenth_of_a_million_to_five():
    for make in (published, lambda width: Efficient(width=width)):
        assert 0.11e6 < size(make(0.1)) < 0.13e6
        assert 4.8e6 < size(make(1.0)) < 4.9e6
    sizes = [size(Efficient(width=width)) for width in (0.1, 0.2, 0.4, 0.7, 1.0, 1.4, 2.0)]
    assert sizes == sorted(sizes) and sizes[-1] > 16e6


def test_blocks_are_those_of_the_table():
    module = published(1.0).build(MEL)
    assert [tap.n_channels for tap in module.taps] == [16, 24, 40, 80, 112, 160]
    assert [tap.stride for tap in module.taps] == [2, 4, 8, 16, 16, 32]
    assert [tap.n_bands for tap in module.taps] == [64, 32, 16, 8, 8, 4]
    blocks = [block for stage in module.stages for block in stage]
    assert len(blocks) == sum(len(stage.expanded) for stage in STAGES) == 15
    assert [block.residual for block in blocks] == [
        *(True, False, True, False, True, True),
        *(False, True, True, True, False, True, False, True, True),
    ]
    assert [block.gate is not None for block in blocks] == [False] * 3 + [True] * 3 + [False] * 4 + [True] * 5
    squeezed = [block.gate.gates["channels"].squeeze.out_features for block in blocks if block.gate is not None]
    assert squeezed == [24, 32, 32, 120, 168, 168, 240, 240]
    assert sum(isinstance(each, nn.Hardswish) for each in module.modules()) == 2 * 9 + 2
    maps, _, taps = module.eval()(torch.randn(2, 1, 128, 70), None)
    assert maps.shape == (2, 960, 4, 3) and [tap.maps.shape[1:3] for tap in taps] == [
        (tap.n_channels, tap.n_bands) for tap in module.taps
    ]


def test_fused_stages_have_full_convolutions_only():
    module = Efficient(fused=2).build(MEL)
    for i, stage in enumerate(module.stages):
        groups = {each.groups for each in stage.modules() if isinstance(each, nn.Conv2d)}
        assert (groups == {1}) == (i < 2)
    assert max(max(m.kernel_size) for m in module.modules() if isinstance(m, nn.Conv2d)) == 3


@pytest.mark.parametrize("squeeze", ["channels", "bands", "both"])
def test_gates_look_at_signal_only(squeeze):
    spec = Spec("features", 100.0, 1, 40)
    net = stirred(Efficient(width=0.1, squeeze=squeeze).build(spec))
    values = features(spec, (97, 97)).values
    lengths = torch.tensor([97, 41])
    values[1, ..., 41:] = 0
    with torch.no_grad():
        together, left, _ = net(values, lengths)
        alone = net(values[1:, ..., :41], None).maps
        longer, _, _ = net(torch.cat([values, torch.zeros(2, 1, 40, 64)], dim=3), lengths)
    assert left.tolist() == [4, 2]
    torch.testing.assert_close(together[1:, ..., :2], alone, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(longer[..., :4], together, rtol=1e-4, atol=1e-4)


def test_each_kind_of_gate_does_something():
    values = torch.randn(1, 1, 40, 64, generator=torch.Generator().manual_seed(0))
    found = []
    for squeeze in ("none", "channels", "bands", "both"):
        torch.manual_seed(0)
        gate = Efficient(width=0.1, squeeze=squeeze).build(Spec("features", 100.0, 1, 40)).stages[2][0].gate
        found.append(
            None if gate is None else {name: len(list(each.parameters())) for name, each in gate.gates.items()}
        )
    assert found == [None, {"channels": 4}, {"bands": 4}, {"channels": 4, "bands": 4}]
    gate = Efficient(width=0.1, squeeze="both").build(Spec("features", 100.0, 1, 40)).stages[2][0].gate
    values = torch.rand(2, gate.gates["channels"].squeeze.in_features, gate.gates["bands"].squeeze.in_features, 9)
    one, other = gate.gates["channels"](values, None), gate.gates["bands"](values.transpose(1, 2), None).transpose(1, 2)
    torch.testing.assert_close(gate(values, None), torch.maximum(one, other))


def test_multiples_of_eight_never_lose_a_tenth():
    for width in (0.05, 0.1, 0.33, 0.75, 1, 1.9):
        for n in (16, 24, 40, 72, 184, 960):
            assert in_eights(n, width) % 8 == 0 and in_eights(n, width) >= max(8, 0.9 * n * width)
    assert [in_eights(n, 1.0) for n in (16, 72, 960)] == [16, 72, 960]
