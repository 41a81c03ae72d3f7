"""The last layer that answers by angles, and recipes in which head and loss must agree on its scale."""

from __future__ import annotations

import pytest
import torch

from earmark.core.errors import SettingsError
from earmark.core.settings import read
from earmark.models.heads.pooled import Pooled
from earmark.models.layers.cosine import CosineLinear
from earmark.stages.recipe import Recipe


def test_logits_are_scaled_cosines_and_lengths_do_not_matter():
    torch.manual_seed(0)
    layer, clips = CosineLinear(5, 3, 30.0), torch.randn(4, 5)
    with torch.no_grad():
        wanted = 30 * torch.cosine_similarity(clips[:, None], layer.weight[None], dim=2)
        torch.testing.assert_close(layer(clips), wanted)
        torch.testing.assert_close(layer(7 * clips), wanted)
        assert float(layer(layer.weight).diagonal().min()) == pytest.approx(30, rel=1e-5)
        assert torch.equal(layer(torch.zeros(1, 5)), torch.zeros(1, 3))
        with torch.autocast("cpu", torch.bfloat16):
            torch.testing.assert_close(layer(clips), wanted)


def test_it_has_no_bias_to_start_from():
    with pytest.raises(ValueError, match="no bias to start from"):
        Pooled(cosine=30, prior=0.1)


def recipe(head: dict[str, object], loss: object = "arcface") -> Recipe:
    model = {"encoder": {"kind": "skip_cnn", "widths": [4, 8]}, "heads": {"main": head}}
    return read(Recipe, {"model": model, "objective": {"labels": {"term": {"kind": "supervised", "loss": loss}}}})


def test_head_and_loss_must_mean_the_same_angles():
    cosines = {"kind": "pooled", "hidden": [8], "dropout": 0.1, "cosine": 30}
    assert recipe(cosines).taught
    assert recipe(cosines, "bce").taught, "other losses take any logits"
    for head in ({"kind": "mean_max"}, {"kind": "pooled"}):
        with pytest.raises(SettingsError, match=r"head 'main' gives other logits; set model\.heads\.main\.cosine: 30"):
            recipe(head)
    with pytest.raises(SettingsError, match="gives 30 times that"):
        recipe(cosines, {"kind": "arcface", "scale": 20})
