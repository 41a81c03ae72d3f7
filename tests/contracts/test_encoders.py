"""What every encoder must keep to; a new member is tested the moment it exists.

A member is tried with each of the settings in `SMALL`, or with its defaults where it has no entry there.
"""

from __future__ import annotations

import importlib.util
from typing import Any

import pytest
import torch
from torch import nn

from earmark.core.errors import SettingsError
from earmark.core.spec import Spec
from earmark.models.encoders.encoder import Encoder
from earmark.models.encoders.quick_cnn import QuickCNN
from earmark.models.encoders.skip_cnn import SkipCNN
from earmark.models.heads.mean_max import MeanMax
from earmark.models.network import ModelSettings, n_parameters
from tests.tiny import N_CLASSES, alone, features, same_tensors, stirred

AST = {
    "hidden_size": 12,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 16,
    "patch_size": 4,
    "frequency_stride": 5,
    "time_stride": 3,
    "max_length": 21,
    "num_mel_bins": 19,
}
SMALL: dict[str, list[dict[str, Any]]] = {
    "aux_attention": [{"width": 4, "attention_kernel": 3}, {"width": 2, "ratio": 4}],
    "crnn": [
        {"widths": (4, 5, 6), "pools": ((2, 2), (1, 1), (2, 2)), "widths_in_time": (7, 6)},
        {"widths": (4, 5), "pools": ((3, 1), (2, 3)), "widths_in_time": (6,)},
    ],
    "deep_cnn": [
        {"blocks": 3, "base": 4},
        {"blocks": 3, "base": 6, "growth": 1.0, "first_tap": 0, "one_d": True},
    ],
    "efficient": [
        {"width": 0.1},
        {"width": 0.1, "fused": 0, "large_kernel": 5, "squeeze": "both"},
        {"width": 0.1, "fused": 3, "squeeze": "bands", "act": "relu"},
    ],
    "envnet_v2": [{"width": 0.125, "rows": 24}],
    "hugging_face": [{"config": AST}, {"config": AST, "maps": "windows"}],
    "mobilenet_v1": [
        {"widths": (8, 10, 12), "strides": (1, 2, 1), "stem": 6},
        {"widths": (16, 20), "strides": (2, 1), "stem": 12, "stem_stride": 2, "width": 0.5},
    ],
    "patch_transformer": [
        {"patch": (8, 4), "stride": (5, 3), "width": 12, "n_layers": 2, "n_heads": 2, "patchout": None, "shift": 0},
        {"patch": (4, 4), "stride": (4, 4), "width": 9, "n_layers": 2, "n_heads": 3, "band_codes": "sinusoidal"},
        {"patch": (6, 5), "stride": (6, 2), "width": 8, "n_layers": 1, "n_heads": 1, "time_codes": "learned"},
    ],
    "plain_cnn": [{"widths": (4, 5, 6)}, {"widths": (4, 5), "kernels": (4, 3), "strides": (3, 2)}],
    "quick_cnn": [{"stem": 3, "widths": (4, 5)}, {"stem": 4, "kernel": 3, "widths": (5,)}],
    "raw_cnn": [
        {"first_width": 4, "widths": (4, 5), "depths": (2, 1), "first_kernel": 8, "first_stride": 4, "pool": 2},
        {"first_width": 4, "widths": (4,), "depths": (1,), "first_kernel": 5, "first_stride": 1, "pool": 3},
    ],
    "raw_lstm": [
        {"frame_ms": 2, "hop_ms": 1, "units": 5},
        {"frame_ms": 2, "hop_ms": 3, "units": 4, "cell": "gru", "both_ways": True},
    ],
    "resnet": [
        {"layers": 18, "width": 0.125},
        {"layers": 18, "width": 0.125, "copies": 3, "input_norm": True},
        {"layers": 18, "width": 0.125, "stem": "deep", "shortcut": "pooled", "self_attention": True},
    ],
    "resnet_cnn": [{"widths": (4, 5, 6), "strides": (1, 2, 2)}, {"widths": (4, 4), "strides": (1, 3)}],
    "se_resnext": [{"depths": (1, 2, 1), "width": 0.125, "groups": 4}],
    "skip_cnn": [
        {"widths": (4, 5, 6), "skip": True},
        {"widths": (4, 5), "skip": False},
        {"widths": (4, 5, 6), "skip": (False, True, False)},
    ],
}
SPECS = {"features": Spec("features", 100.0, 2, 19), "wave": Spec("wave", 8000.0)}
OWN_SPECS = {"hugging_face": Spec("features", 100.0, 1, 19)}
NEEDS = {"hugging_face": ("transformers", "pretrained")}
"""Libraries that come with an extra, and which."""


def marks_of(kind: str) -> list[pytest.MarkDecorator]:
    library, extra = NEEDS.get(kind, ("torch", ""))
    missing = importlib.util.find_spec(library) is None
    return [pytest.mark.skip(f"needs the extra: pip install 'earmark[{extra}]'")] if missing else []


CASES = [
    pytest.param(kind, settings, OWN_SPECS.get(kind, SPECS[member.takes]), id=f"{kind}-{i}", marks=marks_of(kind))
    for kind, member in Encoder.members().items()
    for i, settings in enumerate(SMALL.get(kind, [{}]))
]
every_encoder = pytest.mark.parametrize(("kind", "settings", "spec"), CASES)


def encoder_of(kind: str, settings: dict[str, Any]) -> Encoder:
    return Encoder.members()[kind].model_validate(settings)


def network_of(kind: str, settings: dict[str, Any], spec: Spec, seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    head = MeanMax(hidden=8, dropout=0, hidden_dropout=0)
    return ModelSettings(encoder=encoder_of(kind, settings), heads={"main": head}).build(spec, N_CLASSES)


def span_of(encoder: Encoder, spec: Spec) -> int:
    """A length that is worth a frame of the maps; some nets can make one of much less, mostly out of padding."""
    return max(encoder.shortest(spec), encoder.build(spec).stride)


@every_encoder
def test_what_is_declared_is_true_for_any_length_from_the_shortest_on(kind, settings, spec):
    encoder = encoder_of(kind, settings)
    module, shortest = encoder.build(spec).eval(), encoder.shortest(spec)
    for n in (shortest, shortest + 1, 2 * shortest + 3, 3 * shortest - 1):
        batch = features(spec, (n, n))
        maps, lengths, _ = module(batch.values, None)
        assert maps.shape[:3] == (2, module.n_channels, module.n_bands)
        assert maps.shape[3] >= 1 and lengths is None
        longer = module(features(spec, (n + 4 * module.stride,)).values, None).maps
        assert longer.shape[3] == maps.shape[3] + 4
        _, lengths, _ = module(features(spec, (n + 9, n)).values, torch.tensor([n + 9, n]))
        assert lengths is not None and int(lengths[1]) == maps.shape[3]


@every_encoder
@pytest.mark.parametrize("more", range(8))
def test_padding_changes_scores_by_less_than_it_declares(kind, settings, spec, more):
    encoder = encoder_of(kind, settings)
    network, shortest = stirred(network_of(kind, settings, spec)), encoder.shortest(spec)
    span = span_of(encoder, spec)
    lengths = [shortest + more, 4 * span + more, span + 3 * more + 1, 2 * span - 1 + more]
    batch = features(spec, lengths, seed=more)
    with torch.no_grad():
        together = network(batch)
        for row in range(len(lengths)):
            apart = network(alone(batch, row))
            assert float((together[row] - apart[0]).abs().max()) < encoder.tolerance


@every_encoder
def test_a_mask_over_nothing_changes_nothing(kind, settings, spec):
    encoder = encoder_of(kind, settings)
    network = stirred(network_of(kind, settings, spec))
    batch = features(spec, [2 * encoder.shortest(spec) + 1] * 3)
    with torch.no_grad():
        torch.testing.assert_close(network(batch.changed(padded=True)), network(batch.changed(padded=False)))


@every_encoder
@pytest.mark.parametrize("padded", [False, True])
def test_every_parameter_gets_a_gradient(kind, settings, spec, padded):
    network = network_of(kind, settings, spec).train()
    n = 4 * encoder_of(kind, settings).shortest(spec)
    network(features(spec, (n, n - 3 if padded else n, n, n))).square().sum().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None and bool(parameter.grad.isfinite().all()), name
        # The bias in front of a batch norm has a gradient that is zero but for rounding.
        assert bool(parameter.grad.any()) or name.endswith("bias"), name


@every_encoder
def test_another_of_its_kind_takes_its_state(kind, settings, spec):
    one, other = network_of(kind, settings, spec, seed=1), network_of(kind, settings, spec, seed=2)
    batch = features(spec, [3 * encoder_of(kind, settings).shortest(spec)] * 3)
    one.train()(batch)
    other.load_state_dict(one.state_dict())
    assert same_tensors(one.state_dict(), other.state_dict())
    with torch.no_grad():
        assert torch.equal(one.eval()(batch), other.eval()(batch))


@every_encoder
@pytest.mark.parametrize("padded", [False, True])
def test_bfloat16_and_channels_last_stay_finite(kind, settings, spec, padded):
    network = network_of(kind, settings, spec).to(memory_format=torch.channels_last).train()
    encoder = encoder_of(kind, settings)
    n = 3 * span_of(encoder, spec) + 1
    batch = features(spec, (n, n - 2 if padded else n, n, n))
    torch.manual_seed(1)  # what a net draws in training is to be the same both times
    with torch.autocast("cpu", torch.bfloat16):
        logits = network(batch)
    assert logits.dtype == torch.float32 and bool(logits.isfinite().all())
    logits.square().mean().backward()
    assert all(bool(p.grad.isfinite().all()) for p in network.parameters())
    network = network_of(kind, settings, spec).train()
    torch.manual_seed(1)
    exact = network(batch)
    allowed = encoder.tolerance_bf16 * float(exact.detach().abs().max()) + 0.05
    assert float((exact - logits).detach().abs().max()) < allowed


@every_encoder
def test_it_never_waits_for_the_device(kind, settings, spec):
    """On the meta device there are shapes and no values: whoever asks for one fails."""
    encoder = encoder_of(kind, settings)
    n = 3 * span_of(encoder, spec)
    values = features(spec, (n,) * 4).values.to("meta")
    with torch.device("meta"):
        module = encoder.build(spec).train()
        for encoded in (module(values, torch.zeros(4, dtype=torch.int64)), module(values, None)):
            sum(each.maps.sum() for each in (encoded, *encoded.taps)).backward()


ONE_LENGTH = {
    "hugging_face": "the library looks at how many frames it gets",
    "raw_lstm": "torch writes an LSTM out step by step",
}
"""Kinds whose exported programs are for one length, and why."""


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The tensor attributes .* were assigned during export")  # of torch's own LSTM
@pytest.mark.parametrize(("kind", "settings", "spec"), [case for case in CASES if str(case.id).endswith("-0")])
def test_it_can_be_exported_for_any_number_of_clips_of_any_length(kind, settings, spec):
    encoder = encoder_of(kind, settings)
    module = OnlyMaps(stirred(encoder.build(spec))).eval()
    n = 4 * span_of(encoder, spec) + 3
    values, free = features(spec, (n,) * 3).values, torch.export.Dim.AUTO
    shapes = None if kind in ONE_LENGTH else ({0: free, values.ndim - 1: free},)
    program = torch.export.export(module, (values,), dynamic_shapes=shapes, strict=False).module()
    others = values.flip(0) if kind in ONE_LENGTH else features(spec, (n + 7,) * 5).values
    with torch.no_grad():
        torch.testing.assert_close(program(others), module(others))


class OnlyMaps(nn.Module):
    """An encoder whose input has no padding."""

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return self.encoder(values, None).maps


@every_encoder
def test_input_of_the_wrong_kind_is_refused_with_both_sides_named(kind, settings, spec):
    encoder = encoder_of(kind, settings)
    wrong = SPECS["wave" if encoder.takes == "features" else "features"]
    with pytest.raises(SettingsError, match=f"'{kind}' takes {encoder.takes}, but the view gives {wrong.domain}"):
        encoder.build(wrong)
    with pytest.raises(SettingsError, match=kind):
        ModelSettings(encoder=encoder).build(wrong, N_CLASSES)


# The published net on its three input channels: 67, 195, 451, 963 channels after the blocks.
@pytest.mark.parametrize(("skip", "channels"), [(True, (67, 195, 451, 963)), (False, (64, 128, 256, 512))])
def test_the_published_skip_net_has_the_published_size(skip, channels):
    with torch.device("meta"):
        network = ModelSettings(encoder=SkipCNN(skip=skip)).build(Spec("features", 63.5, 3, 128), 80)
    encoder = network.encoder
    assert (encoder.n_channels, encoder.n_bands, encoder.stride) == (channels[-1], 8, 16)
    wanted, inputs = 0, (3, *channels[:-1])
    for given, out, block in zip(inputs, (64, 128, 256, 512), encoder.blocks, strict=True):
        assert [c.in_channels for c in block.convolutions] == [given, out]
        wanted += 9 * given * out + out + 9 * out * out + out + 2 * 2 * out
    assert n_parameters(encoder) == wanted == {True: 5_745_600, False: 4_689_216}[skip]
    linear = [module for module in network.heads["main"].modules() if isinstance(module, nn.Linear)]
    assert [(m.in_features, m.out_features) for m in linear] == [(channels[-1], 128), (128, 80)]
    assert n_parameters(network.heads["main"]) == channels[-1] * 128 + 128 + 1 + 2 * 128 + 128 * 80 + 80


def test_quick_cnn_refuses_what_it_cannot_halve_and_kernels_without_a_centre():
    with pytest.raises(SettingsError, match="with 3 blocks needs 15 bands, but the view gives 14"):
        QuickCNN().build(Spec("features", 100.0, 1, 14))
    module = QuickCNN(widths=(4, 4, 4)).build(Spec("features", 100.0, 1, 15))
    assert module(torch.zeros(1, 1, 15, 15), None).maps.shape == (1, 4, 1, 1), "nothing is left over"
    with pytest.raises(ValueError, match="needs an odd kernel to keep its place, got 4"):
        QuickCNN(kernel=4)
    with pytest.raises(ValueError, match="greater than or equal to 1"):
        QuickCNN(widths=(4, 0))


def test_skip_cnn_refuses_too_few_bands_and_skips_that_do_not_fit():
    with pytest.raises(SettingsError, match="needs 16 of them, but the view gives 12"):
        SkipCNN().build(Spec("features", 100.0, 1, 12))
    with pytest.raises(SettingsError, match="2 blocks but 3 values of skip"):
        SkipCNN(widths=(4, 4), skip=(True, False, True)).build(Spec("features", 100.0, 1, 64))
    SkipCNN(widths=(4,) * 4).build(Spec("features", 100.0, 1, 16))
