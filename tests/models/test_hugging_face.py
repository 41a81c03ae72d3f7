"""Encoders of ``transformers``: windows, weights from a folder, and what is refused; nothing is downloaded."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest
import torch

from earmark.core.errors import SettingsError
from earmark.core.settings import read
from earmark.core.spec import Spec
from earmark.models.encoders.hugging_face import HuggingFace
from earmark.models.network import ModelSettings
from tests.contracts.test_encoders import AST
from tests.tiny import N_CLASSES, features, same_tensors

SPEC = Spec("features", 100.0, 1, 19)
needs_library = pytest.mark.skipif(
    importlib.util.find_spec("transformers") is None, reason="needs the extra: pip install 'earmark[pretrained]'"
)


@needs_library
def test_a_clip_of_one_window_is_what_the_library_makes_of_it():
    net = HuggingFace(config=AST).build(SPEC).eval()
    values = features(SPEC, (21, 21)).values
    with torch.no_grad():
        wanted = net.net(values[:, 0].transpose(1, 2))
        maps = net(values, None).maps
        whole = HuggingFace(config=AST, maps="windows").build(SPEC).eval()
        whole.load_state_dict(net.state_dict())
        pooled = whole(values, None).maps
    assert maps.shape == (2, 12, 4, 6)
    torch.testing.assert_close(maps.flatten(2).transpose(1, 2), wanted.last_hidden_state[:, 2:])
    torch.testing.assert_close(pooled[:, :, 0, 0], wanted.pooler_output)


@needs_library
def test_windows_follow_one_another_evenly():
    net = HuggingFace(config=AST).build(SPEC).eval()
    assert (net.window, net.step, net.stride) == (21, 18, 3)
    values = features(SPEC, (44,)).values
    with torch.no_grad():
        maps = net(values, None).maps
        parts = [net(values[..., i * 18 : i * 18 + 21], None).maps for i in range(3)]
    torch.testing.assert_close(maps, torch.cat(parts, dim=3))


@needs_library
def test_the_published_net_has_the_published_size():
    with torch.device("meta"):
        net = HuggingFace().build(Spec("features", 100.0, 1, 128))
    assert (net.n_bands, net.columns, net.step) == (12, 101, 1010)
    n = 12 * (12 * 768**2 + 13 * 768) + 256 * 768 + 768 + (12 * 101 + 2) * 768 + 2 * 768 + 2 * 768
    assert sum(p.numel() for p in net.parameters()) == n == 86_187_264


@needs_library
def test_weights_come_from_a_folder_when_they_are_fetched(tmp_path: Path):
    import transformers

    there = transformers.ASTModel(transformers.ASTConfig(**AST))
    there.save_pretrained(tmp_path)
    net = HuggingFace(config=AST, model=str(tmp_path)).build(SPEC)
    assert not same_tensors(net.net.state_dict(), there.state_dict())
    net.fetch()
    assert same_tensors(net.net.state_dict(), there.state_dict())
    other = HuggingFace(config=AST | {"num_hidden_layers": 1, "time_stride": 2}, model=str(tmp_path)).build(SPEC)
    with pytest.raises(SettingsError, match="of a net with num_hidden_layers 2, time_stride 3; say so"):
        other.fetch()
    with pytest.raises(SettingsError, match="cannot be had"):
        HuggingFace(config=AST, model=str(tmp_path / "none")).build(SPEC).fetch()


@needs_library
def test_a_frozen_net_stays_as_it_is_and_its_head_learns():
    encoder = HuggingFace(config=AST | {"hidden_dropout_prob": 0.5}, frozen=True)
    network = ModelSettings(encoder=encoder).build(SPEC, N_CLASSES).train()
    batch = features(SPEC, (30, 25, 28))
    with torch.no_grad():
        assert torch.equal(network.encode(batch).maps, network.encode(batch).maps), "no dropout where nothing learns"
    network(batch).sum().backward()
    assert all(p.grad is None for p in network.encoder.parameters())
    assert all(p.grad is not None for p in network.heads.parameters())


@needs_library
def test_a_configuration_that_means_nothing_is_refused():
    with pytest.raises(SettingsError, match="no setting 'hiden_size' in its config; did you mean 'hidden_size'"):
        HuggingFace(config=AST | {"hiden_size": 3}).build(SPEC)
    with pytest.raises(SettingsError, match="refuses the config"):
        HuggingFace(config=AST | {"hidden_act": "loud"}).build(SPEC)


def test_what_does_not_fit_is_refused(monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(SettingsError, match="1 channel of 128 bands, but the view gives 2 of 64"):
        HuggingFace().build(Spec("features", 100.0, 2, 64))
    with pytest.raises(SettingsError, match="patches of 16 do not fit into 8 bands"):
        read(HuggingFace, {"config": {"num_mel_bins": 8}})
    with pytest.raises(SettingsError, match="max_length in config is a whole number"):
        read(HuggingFace, {"config": {"max_length": "long"}})
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(SettingsError, match="not installed; run pip install"):
        HuggingFace().build(Spec("features", 100.0, 1, 128))
