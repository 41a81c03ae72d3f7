"""The net with auxiliary classifiers: its size, its taps, its recipe, and what the heads make of the objective."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from earmark.core.chance import Chance
from earmark.core.errors import SettingsError
from earmark.core.settings import read
from earmark.core.spec import Spec
from earmark.core.yaml_text import parse
from earmark.models.encoders.aux_attention import AuxAttention
from earmark.models.encoders.skip_cnn import SkipCNN
from earmark.models.heads.pooled import Pooled
from earmark.models.network import ModelSettings, n_parameters
from earmark.objectives.objective import Step
from earmark.stages.recipe import Recipe
from tests.tiny import N_CLASSES, alone, features, objective_of, stirred, stream_of

RECIPE = """
view:
  - kind: log_mel
    mel: {n_fft: 2560, hop_samples: 690, n_mels: 128, fmin_hz: 20, fmax_hz: 22050}
  - deltas
model:
  encoder: aux_attention
  heads:
    main: &classifier
      {kind: pooled, time: mean, bands: mean, input_dropout: 0.4, hidden: [256], dropout: 0.2,
       act: prelu, slopes: one, norm: after}
    aux3: {<<: *classifier, tap: 2}
    aux2: {<<: *classifier, tap: 1}
    aux1: {<<: *classifier, tap: 0}
streams:
  curated: {batch_size: 128, crop: {length_s: 4.0}}
objective:
  main: {weight: 1.0, term: {kind: supervised, head: main}}
  aux3: {weight: 0.4, term: {kind: supervised, head: aux3}}
  aux2: {weight: 0.2, term: {kind: supervised, head: aux2}}
  aux1: {weight: 0.1, term: {kind: supervised, head: aux1}}
training: {optimizer: {kind: adam, lr: 0.0009}}
"""
SPEC = Spec("features", 64.0, 3, 35)


def test_the_published_recipe_and_its_sizes():
    recipe = read(Recipe, parse(RECIPE))
    spec = recipe.spec
    with torch.device("meta"):
        network = recipe.model.build(spec, 80)
        maps, _, taps = network.encode(features_on_meta())
    assert maps.shape == (2, 512, 8, 16) and [tap.maps.shape for tap in taps] == [(2, 512, 8, 16)] * 3
    blocks = sum(9 * (a * b + b * b) + 4 * b for a, b in ((3, 64), (64, 128), (128, 256), (256, 512)))
    skips = 9 * 512 * (64 + 128 + 256) + 3 * 2 * 512
    attention, merge = 2 * 2048 * 128 + 2 * 49, 9 * 2048 * 512 + 2 * 512
    assert n_parameters(network.encoder) == blocks + skips + attention + merge
    head = 512 * 256 + 256 + 1 + 2 * 256 + 256 * 80 + 80
    assert {name: n_parameters(each) for name, each in network.heads.items()} == dict.fromkeys(recipe.model.heads, head)


def features_on_meta():
    batch = features(Spec("features", 64.0, 3, 128), (4, 4))
    return batch.changed(values=torch.zeros(2, 3, 128, 256, device="meta"), padded=False)


def test_its_objective_is_the_weighted_sum_and_reaches_every_head():
    recipe = read(Recipe, parse(RECIPE))
    small = {"input_dropout": 0.0, "hidden": (4,), "dropout": 0.0}
    heads = {name: head.model_copy(update=small) for name, head in recipe.model.heads.items()}
    model = ModelSettings(encoder=AuxAttention(width=2, ratio=4, attention_kernel=3), heads=heads)
    objective = objective_of(recipe.objective, model).train()
    losses = objective(Step({"curated": stream_of().batch(0)}, Chance(0), 0.0))
    torch.testing.assert_close(losses.total.detach(), losses.parts @ torch.tensor([1.0, 0.4, 0.2, 0.1]))
    assert len(set(losses.parts.tolist())) == 4
    losses.total.backward()
    for name, parameter in objective.named_parameters():
        assert parameter.grad is not None and (bool(parameter.grad.any()) or name.endswith("bias")), name


def test_a_head_looks_at_its_tap_only():
    torch.manual_seed(0)
    settings = {"time": "mean", "bands": "mean", "hidden": (), "dropout": ()}
    heads = {"main": Pooled(**settings), **{f"aux{i}": Pooled(tap=i, **settings) for i in range(3)}}
    network = ModelSettings(encoder=AuxAttention(width=2), heads=heads).build(SPEC, N_CLASSES).eval()
    with torch.no_grad():
        encoded = network.encode(features(SPEC, (50, 50)))
        for i in range(3):
            pooled = encoded.taps[i].maps.mean(dim=(2, 3))
            torch.testing.assert_close(network.heads[f"aux{i}"](encoded), network.heads[f"aux{i}"].layers(pooled))


def test_the_net_written_down_once_more():
    torch.manual_seed(0)
    module = stirred(AuxAttention(width=4, ratio=8, attention_kernel=3).build(SPEC))
    values = torch.randn(2, 3, 35, 53)

    def unit(one, maps):
        return F.relu(one.norm(one.convolution(maps)))

    with torch.no_grad():
        skips, found = [], values
        for i, block in enumerate(module.blocks):
            found = F.avg_pool2d(unit(block.units[1], unit(block.units[0], found)), 2)
            if i < 3:
                skips.append(unit(module.skips[i], F.avg_pool2d(found, (8, 4, 2)[i])))
        together = torch.cat([found, *skips], dim=1)
        squeeze, excite = (each.weight for each in module.attention.channels if isinstance(each, nn.Linear))
        scales = sum(F.relu(seen @ squeeze.T) @ excite.T for seen in (together.mean((2, 3)), together.amax((2, 3))))
        together = together * scales.sigmoid()[:, :, None, None]
        places = torch.stack([together.mean(dim=1), together.amax(dim=1)], dim=1)
        together = together * F.conv2d(places, module.attention.places.weight, padding=1).sigmoid()
        encoded = module(values, None)
        torch.testing.assert_close(encoded.maps, unit(module.merge, together))
        for tap, skip in zip(encoded.taps, skips, strict=True):
            torch.testing.assert_close(tap.maps, skip)


def test_every_tap_hears_a_clip_in_a_batch_as_it_hears_it_alone():
    torch.manual_seed(0)
    module = stirred(AuxAttention(width=4, attention_kernel=3).build(SPEC))
    lengths = [90, 16, 47, 33]
    batch = features(SPEC, lengths)
    with torch.no_grad():
        together = module(batch.values, batch.lengths)
        for row in range(len(lengths)):
            apart = module(alone(batch, row).values, None)
            for one, other in zip((apart, *apart.taps), (together, *together.taps), strict=True):
                n = one.maps.shape[3]
                assert int(other.lengths[row]) == n == lengths[row] // 16
                torch.testing.assert_close(other.maps[row, ..., :n], one.maps[0], atol=1e-5, rtol=1e-4)
                assert not other.maps[row, ..., n:].any()


def test_what_does_not_fit_is_refused():
    with pytest.raises(SettingsError, match="needs 16 of them, but the view gives 15"):
        AuxAttention().build(Spec("features", 64.0, 3, 15))
    with pytest.raises(ValueError, match="attention_kernel must be odd"):
        AuxAttention(attention_kernel=4)
    with pytest.raises(SettingsError, match="tap 3, but this encoder has 3 taps"):
        Pooled(tap=3).build(AuxAttention(width=2).build(SPEC), N_CLASSES)
    with pytest.raises(SettingsError, match="tap 0, but this encoder has 0 taps"):
        Pooled(tap=0).build(SkipCNN(widths=(4,)).build(SPEC), N_CLASSES)
    with pytest.raises(ValueError, match="all taps or one"):
        Pooled(taps=True, tap=1)
