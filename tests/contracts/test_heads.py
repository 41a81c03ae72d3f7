"""What every head must keep to; a new member is tested the moment it exists.

A member is tried with each of the settings in `SMALL`, or with its defaults where it has no entry there.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch

from earmark.core.batch import signal_mask
from earmark.core.errors import SettingsError
from earmark.models.encoders.encoder import Encoded, EncoderModule
from earmark.models.heads.head import Head, HeadModule
from earmark.models.heads.mean_max import MeanMax
from earmark.models.heads.pooling import mean_over_time
from tests.tiny import N_CLASSES, same_tensors, stirred

SMALL: dict[str, list[dict[str, Any]]] = {
    "attention": [{}, {"weights": "shared", "bounded": False, "bands": "max"}, {"of": "probabilities", "hidden": 6}],
    "linear_softmax": [{}, {"bands": "max", "hidden": 6, "prior": 0.1}],
    "mean_max": [{}, {"swapped": True}],
    "pooled": [{}, {"cosine": 30.0, "hidden": (6,), "dropout": 0.1}],
    "recurrent": [
        {"units": 6, "hidden": (5,)},
        {"units": 4, "layers": 1, "both_ways": True, "bands": "mean", "layer_norm": True, "hidden": "same"},
        {"units": 4, "both_ways": True, "cell": "lstm", "bands": "max", "input_norm": True, "act": "prelu"},
    ],
}
CASES = [
    pytest.param(kind, settings, id=f"{kind}-{i}")
    for kind in Head.members()
    for i, settings in enumerate(SMALL.get(kind, [{}]))
]
every_head = pytest.mark.parametrize(("kind", "settings"), CASES)
CHANNELS, BANDS = 10, 3


class Still(EncoderModule):
    """An encoder that only says what it would give."""

    n_channels, n_bands, stride = CHANNELS, BANDS, 4


def head_of(kind: str, settings: dict[str, Any], seed: int = 0) -> HeadModule:
    torch.manual_seed(seed)
    return Head.members()[kind].model_validate(settings).build(Still(), N_CLASSES)


def encoded(lengths: tuple[int, ...], seed: int = 0) -> Encoded:
    maps = torch.randn(len(lengths), CHANNELS, BANDS, max(lengths), generator=torch.Generator().manual_seed(seed))
    found = torch.tensor(lengths)
    return Encoded(maps * signal_mask(found, max(lengths))[:, None, None], found)


@every_head
def test_one_logit_a_class_and_a_batch_is_its_members(kind, settings):
    head, (maps, lengths, _) = stirred(head_of(kind, settings)), encoded((9, 4, 1, 7))
    with torch.no_grad():
        logits = head(Encoded(maps, lengths))
        assert logits.shape == (4, N_CLASSES)
        for row, n in enumerate(lengths.tolist()):
            apart = head(Encoded(maps[row : row + 1, ..., :n], None))
            torch.testing.assert_close(logits[row : row + 1], apart)


@every_head
def test_padding_has_no_say_whatever_it_holds(kind, settings):
    head, (maps, lengths, _) = stirred(head_of(kind, settings)), encoded((9, 4, 1, 7))
    noise = torch.where(signal_mask(lengths, 9)[:, None, None], maps, 1e3)
    with torch.no_grad():
        torch.testing.assert_close(head(Encoded(noise, lengths)), head(Encoded(maps, lengths)))


@every_head
def test_every_parameter_gets_a_gradient(kind, settings):
    head = head_of(kind, settings).train()
    torch.manual_seed(1)
    head(encoded((9, 4, 5, 7, 3, 8))).square().sum().backward()
    for name, parameter in head.named_parameters():
        assert parameter.grad is not None and bool(parameter.grad.isfinite().all()), name
        assert bool(parameter.grad.any()), name


@every_head
def test_another_of_its_kind_takes_its_state(kind, settings):
    one, other = head_of(kind, settings, seed=1), head_of(kind, settings, seed=2)
    one.train()(encoded((9, 4, 1, 7)))
    other.load_state_dict(one.state_dict())
    assert same_tensors(one.state_dict(), other.state_dict())
    with torch.no_grad():
        assert torch.equal(one.eval()(encoded((5, 3))), other.eval()(encoded((5, 3))))


@every_head
def test_a_silent_frame_and_bfloat16_are_defined(kind, settings):
    head = stirred(head_of(kind, settings))
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        assert bool(head(Encoded(torch.zeros(2, CHANNELS, BANDS, 1), torch.tensor([1, 0]))).isfinite().all())
        assert bool(head(Encoded(encoded((9, 9)).maps.bfloat16(), None)).isfinite().all())


@every_head
def test_it_never_waits_for_the_device(kind, settings):
    """On the meta device there are shapes and no values: whoever asks for one fails."""
    maps, lengths, _ = encoded((9, 4, 5, 7))
    head = head_of(kind, settings).to("meta").train()
    for known in (lengths.to("meta"), None):
        head(Encoded(maps.to("meta"), known)).sum().backward()


def test_mean_max_is_mean_over_signal_then_maximum_over_bands():
    maps, lengths, _ = encoded((6, 2))
    head = stirred(MeanMax().build(Still(), N_CLASSES))
    pooled = torch.stack([maps[i, :, :, :n].mean(dim=2).max(dim=1).values for i, n in enumerate(lengths.tolist())])
    with torch.no_grad():
        torch.testing.assert_close(head(Encoded(maps, lengths)), head.layers(pooled))


@pytest.mark.parametrize("n", [257, 3001])
def test_the_mean_counts_frames_exactly_even_in_bfloat16(n):
    maps = torch.rand(1, 2, 2, n + 50, generator=torch.Generator().manual_seed(0)).bfloat16()
    wanted = maps[..., :n].double().mean(dim=3).float()
    torch.testing.assert_close(mean_over_time(Encoded(maps, torch.tensor([n]))), wanted)
    torch.testing.assert_close(mean_over_time(Encoded(maps[..., :n], None)), wanted)


def test_dropout_only_drops_in_training():
    head, heard = MeanMax(dropout=0.5, hidden_dropout=0.5).build(Still(), N_CLASSES), encoded((9, 4, 5, 7))
    assert not torch.equal(head.train()(heard), head(heard))
    assert torch.equal(head.eval()(heard), head(heard))


def test_mean_max_says_that_it_needs_two_clips_to_learn_from():
    head = MeanMax().build(Still(), N_CLASSES)
    with pytest.raises(SettingsError, match="batch_size"):
        head.train()(encoded((9,)))
    assert head.eval()(encoded((9,))).shape == (1, N_CLASSES)
