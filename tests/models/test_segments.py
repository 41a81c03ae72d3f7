"""Segments: the mean of what a net says of each, whatever else is in the batch."""

from __future__ import annotations

import pytest
import torch

from earmark.core.errors import SettingsError
from earmark.core.spec import Spec
from earmark.models.encoders.raw_cnn import RawCNN
from earmark.models.encoders.skip_cnn import SkipCNN
from earmark.models.heads.mean_max import MeanMax
from earmark.models.heads.pooled import Pooled
from earmark.models.network import ModelSettings
from earmark.models.segments import Segments
from tests.tiny import N_CLASSES, alone, features, stirred

SPEC = Spec("features", 100.0, 2, 16)
HEADS = {"main": MeanMax(hidden=6, dropout=0, hidden_dropout=0), "flat": Pooled(bands="flat", hidden=(), dropout=0)}
MODEL = ModelSettings(encoder=SkipCNN(widths=(4, 5)), heads=HEADS, segments=Segments(frames=8))


def network_of(model: ModelSettings = MODEL, spec: Spec = SPEC):
    torch.manual_seed(0)
    return stirred(model.build(spec, N_CLASSES))


@pytest.mark.parametrize("head", HEADS)
def test_a_clip_scores_the_mean_of_its_segments(head):
    network = network_of()
    batch = features(SPEC, (20, 20))
    filled = torch.nn.functional.pad(batch.values, (0, 4))
    with torch.no_grad():
        found = network(batch, head)
        each = [network.heads[head].head(network.encoder(filled[..., i : i + 8], None)) for i in (0, 8, 16)]
    torch.testing.assert_close(found, torch.stack(each).mean(dim=0))


@pytest.mark.parametrize("head", HEADS)
def test_a_batch_is_its_members_down_to_one_frame(head):
    network = network_of()
    batch = features(SPEC, (1, 7, 8, 9, 31, 24))
    with torch.no_grad():
        together = network(batch, head)
        for row in range(6):
            torch.testing.assert_close(together[row : row + 1], network(alone(batch, row), head))


def test_what_is_encoded_looks_like_one_clip():
    network = network_of()
    maps, lengths, (apart,) = network.encode(features(SPEC, (20, 9)))
    assert maps.shape == (2, network.encoder.n_channels, 4, 6) and lengths.tolist() == [6, 4]
    assert apart.maps.shape == (6, network.encoder.n_channels, 4, 2)
    torch.testing.assert_close(maps[1, ..., 2:4], apart.maps[4])


def test_nets_on_waves_hear_segments_too():
    encoder = RawCNN(first_width=4, widths=(4,), depths=(1,), first_kernel=5, first_stride=1, pool=3)
    spec = Spec("wave", 8000.0)
    model = ModelSettings(encoder=encoder, heads={"main": HEADS["main"]}, segments=Segments(frames=200))
    network, batch = network_of(model, spec), features(Spec("wave", 8000.0), (450, 130))
    with torch.no_grad():
        torch.testing.assert_close(network(batch)[1:], network(alone(batch, 1)))


def test_every_parameter_learns_and_padding_teaches_nothing():
    network = network_of().train()
    batch = features(SPEC, (31, 9, 17))
    (network(batch).square().sum() + network(batch, "flat").square().sum()).backward()
    assert all(p.grad is not None and bool(p.grad.isfinite().all()) for p in network.parameters())


def test_the_shortest_clip_is_one_frame_and_segments_must_suffice_for_the_net():
    assert MODEL.shortest(SPEC) == 1 and ModelSettings(encoder=MODEL.encoder).shortest(SPEC) == 4
    with pytest.raises(SettingsError, match="segments have 3 frames, but encoder 'skip_cnn' needs at least 4"):
        ModelSettings(encoder=MODEL.encoder, segments=Segments(frames=3)).build(SPEC, N_CLASSES)
