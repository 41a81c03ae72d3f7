"""The patch transformer: its size, the codes of places, and what patchout drops."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from earmark.core.errors import SettingsError
from earmark.core.settings import read
from earmark.core.spec import Spec
from earmark.models.encoders.patch_transformer import Patchout, PatchTransformer, drawn
from earmark.models.heads.attention import Attention
from earmark.models.heads.linear_softmax import LinearSoftmax
from earmark.models.heads.pooled import Pooled
from earmark.models.layers.transformer import LearnedCode, SinusoidalCode, TransformerLayer
from earmark.models.network import ModelSettings, n_parameters
from earmark.models.segments import Segments
from tests.tiny import N_CLASSES, features, stirred

SPEC = Spec("features", 100.0, 1, 32)
SMALL = PatchTransformer(patch=(8, 4), stride=(8, 4), width=8, n_layers=1, n_heads=2, shift=0)


def test_the_default_is_small_and_the_base_size_is_that_of_ast():
    with torch.device("meta"):
        small = PatchTransformer().build(Spec("features", 100.0, 1, 128))
        base = PatchTransformer(width=768, n_layers=12, n_heads=12).build(Spec("features", 100.0, 1, 128))
    layer = 12 * 768**2 + 13 * 768  # four square matrices, two of fourfold width, their biases, two norms
    assert n_parameters(base.layers) == 12 * layer == 85_054_464
    assert (base.n_bands, base.stride, base.n_channels) == (12, 10, 768)
    assert n_parameters(small) == 8 * (12 * 192**2 + 13 * 192) + 256 * 192 + 192 + 12 * 192 + 1 + 2 * 192 == 3_610_945


def test_a_layer_is_that_of_torch():
    ours = stirred(TransformerLayer(12, 3, 2.0, 0.0))
    theirs = nn.TransformerEncoderLayer(12, 3, 24, 0.0, F.gelu, batch_first=True, norm_first=True).eval()
    names = {
        "in_proj_weight": "project.weight",
        "in_proj_bias": "project.bias",
        "out_proj": "merge",
        "linear1": "mlp.0",
    }
    names |= {"linear2": "mlp.2", "norm1": "attention_norm", "norm2": "mlp_norm"}
    state = {}
    for name in theirs.state_dict():
        own = name.removeprefix("self_attn.")
        for there, here in names.items():
            own = own.replace(there, here)
        state[name] = ours.state_dict()[own]
    theirs.load_state_dict(state)
    tokens = torch.randn(2, 5, 12, generator=torch.Generator().manual_seed(0))
    heard = torch.tensor([[True] * 5, [True, True, False, True, False]])
    with torch.no_grad():
        torch.testing.assert_close(ours(tokens, None), theirs(tokens))
        found, wanted = ours(tokens, heard), theirs(tokens, src_key_padding_mask=~heard)
        torch.testing.assert_close(found[heard], wanted[heard])


def test_codes_of_places():
    code = SinusoidalCode(7)
    nn.init.ones_(code.gain)
    places = torch.tensor([0, 3, 5000])
    for row, place in zip(code(places).tolist(), places.tolist(), strict=True):
        wanted = [(math.sin, math.cos)[i % 2](place / 10_000 ** (2 * (i // 2) / 7)) for i in range(7)]
        assert row == pytest.approx(wanted, abs=2e-3)
    learned = LearnedCode(4, 3)
    assert torch.equal(learned(torch.tensor([0, 3, 4, 99])), learned.table[[0, 3, 3, 3]])


@pytest.mark.parametrize("lengths", [None, (12, 5, 1, 0)])
def test_patchout_keeps_whole_rows_and_columns_of_the_signal(lengths):
    torch.manual_seed(0)
    found = None if lengths is None else torch.tensor(lengths)
    kept = drawn(Patchout(bands=0.5, frames=0.4), 4, (6, 12), found, torch.device("cpu"))
    for row, n in enumerate(lengths or (12,) * 4):
        places = kept.places[row] if kept.heard is None else kept.places[row][kept.heard[row]]
        bands, frames = sorted({int(p) // 12 for p in places}), sorted({int(p) % 12 for p in places})
        assert len(bands) == 3 and len(frames) == max(1, n - round(0.4 * n)) and max(frames) < max(n, 1)
        assert sorted(places.tolist()) == [12 * band + frame for band in bands for frame in frames]
    chosen = {tuple(row.tolist()) for row in kept.places}
    assert len(chosen) == 4, "each clip has a draw of its own"


def test_single_patches_are_dropped_from_what_is_left():
    kept = drawn(Patchout(bands=0.5, frames=0.5, single=0.25), 3, (4, 8), None, torch.device("cpu"))
    assert kept.places.shape == (3, 6)
    assert all(len(set(row.tolist())) == 6 for row in kept.places)


@pytest.mark.parametrize("lengths", [(48, 48, 48), (48, 20, 31)])
def test_maps_keep_their_shape_and_their_mean_is_that_of_what_was_kept(lengths):
    torch.manual_seed(0)
    net = PatchTransformer(**SMALL.model_dump() | {"patchout": Patchout(single=0.2)}).build(SPEC)
    batch = features(SPEC, lengths)
    heard: list[torch.Tensor] = []
    net.norm.register_forward_hook(lambda module, inputs, output: heard.append(output))
    torch.manual_seed(7)
    maps, left, _ = net.train()(batch.values, batch.lengths if batch.padded else None)
    torch.manual_seed(7)
    again = net(batch.values, batch.lengths if batch.padded else None).maps
    assert maps.shape == (3, 8, 4, 12) and torch.equal(maps, again), "the same seed drops the same"
    torch.manual_seed(7)
    places, counts = drawn(net.settings.patchout, 3, (4, 12), left, torch.device("cpu"))
    for row, n in enumerate(lengths):
        n_kept = places.shape[1] if counts is None else int(counts[row].sum())
        assert n_kept < 4 * (n // 4)
        own = maps[row, :, :, : n // 4].flatten(1)
        torch.testing.assert_close(own.mean(dim=1), heard[0][row, :n_kept].mean(dim=0))
        torch.testing.assert_close(own.amax(dim=1), heard[0][row, :n_kept].amax(dim=0))
        assert not maps[row, :, :, n // 4 :].any()


def test_any_head_learns_under_patchout():
    model = ModelSettings(encoder=SMALL, heads={"main": Pooled(bands="flat", hidden=(), dropout=0)})
    network = model.build(SPEC, N_CLASSES).train()
    network(features(SPEC, (40, 23))).sum().backward()
    assert all(p.grad is not None and bool(p.grad.isfinite().all()) for p in network.parameters())


@pytest.mark.parametrize("segments", [None, Segments(frames=12)])
def test_a_step_never_waits_for_the_device(segments):
    """A tensor on the meta device has no values, so whoever looks at one fails."""
    with torch.device("meta"):
        encoder = PatchTransformer(**SMALL.model_dump() | {"shift": 9, "patchout": Patchout(single=0.2)})
        heads = {"main": Attention(), "long": LinearSoftmax()}
        network = ModelSettings(encoder=encoder, heads=heads, segments=segments).build(SPEC, N_CLASSES).train()
    batch = features(SPEC, (40, 23)).to(torch.device("meta"))
    with torch.device("meta"):
        logits = network(batch) + network(batch, "long")
    assert logits.shape == (2, N_CLASSES)
    logits.sum().backward()


def test_a_shift_moves_times_in_training_only():
    net = PatchTransformer(**SMALL.model_dump() | {"patchout": None, "shift": 50}).build(SPEC)
    nn.init.ones_(net.time_code.gain)
    values = features(SPEC, (40, 40)).values
    with torch.no_grad():
        assert not torch.equal(net.train()(values, None).maps, net(values, None).maps)
        assert torch.equal(net.eval()(values, None).maps, net(values, None).maps)


def test_what_does_not_fit_is_refused():
    with pytest.raises(SettingsError, match="patches of 16 bands, but the view gives 12"):
        PatchTransformer().build(Spec("features", 100.0, 1, 12))
    with pytest.raises(SettingsError, match="5 heads and a width of 192"):
        PatchTransformer(n_heads=5).build(Spec("features", 100.0, 1, 64))
    with pytest.raises(SettingsError, match="at least 1"):
        read(PatchTransformer, {"patch": [0, 4]})
