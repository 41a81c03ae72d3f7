"""Heads that weigh frames: what they make of frame logits, by plain formulas, and that they stay finite."""

from __future__ import annotations

import pytest
import torch

from earmark.models.encoders.encoder import Encoded
from earmark.models.heads.attention import Attention
from earmark.models.heads.framewise import FramewiseModule
from earmark.models.heads.linear_softmax import LinearSoftmax, linear_softmax
from tests.contracts.test_heads import Still, encoded
from tests.tiny import N_CLASSES, stirred

HEADS = [
    Attention(),
    Attention(of="probabilities", weights="shared", bounded=False),
    LinearSoftmax(),
]
every_head = pytest.mark.parametrize("settings", HEADS)


def head_of(settings) -> FramewiseModule:
    torch.manual_seed(0)
    return stirred(settings.build(Still(), N_CLASSES))


@every_head
def test_one_frame_speaks_for_the_clip(settings):
    head, heard = head_of(settings), encoded((1, 1))
    with torch.no_grad():
        torch.testing.assert_close(head(heard), head.frames(heard)[:, 0])
        assert head.frames(encoded((9, 4))).shape == (2, 9, N_CLASSES)


@every_head
def test_a_clip_lies_between_its_frames(settings):
    head, (maps, lengths, _) = head_of(settings), encoded((9, 4, 6))
    with torch.no_grad():
        clips, frames = head(Encoded(maps, lengths)), head.frames(Encoded(maps, lengths))
    for clip, own, n in zip(clips, frames, lengths.tolist(), strict=True):
        assert bool((own[:n].amin(dim=0) <= clip + 1e-5).all() and (clip - 1e-5 <= own[:n].amax(dim=0)).all())


def test_attention_sums_what_its_weights_say():
    heard = encoded((7, 7))
    for settings in HEADS[:2]:
        head = head_of(settings)
        with torch.no_grad():
            vectors = heard.maps.mean(dim=2).transpose(1, 2)
            worth = head.weigh(vectors)
            weights = (worth.tanh() if settings.bounded else worth).softmax(dim=1)
            assert weights.shape[2] == (1 if settings.weights == "shared" else N_CLASSES)
            if settings.of == "logits":
                torch.testing.assert_close(head(heard), (weights * head.frames(heard)).sum(dim=1))
            else:
                summed = (weights * head.frames(heard).sigmoid()).sum(dim=1)
                torch.testing.assert_close(head(heard).sigmoid(), summed)


def test_linear_softmax_is_the_formula():
    logits = torch.randn(3, 11, 4, generator=torch.Generator().manual_seed(0)) * 3
    p = logits.double().sigmoid()
    torch.testing.assert_close(linear_softmax(logits).sigmoid().double(), p.square().sum(1) / p.sum(1))
    padding = (torch.arange(11) >= 5)[None, :, None].expand(3, -1, 1)
    torch.testing.assert_close(linear_softmax(logits, padding), linear_softmax(logits[:, :5]))


@pytest.mark.parametrize("level", [-50.0, 0.0, 50.0])
def test_sure_frames_stay_finite_with_finite_gradients(level):
    for dtype in (torch.float32, torch.bfloat16):
        logits = (torch.tensor([[[0.0], [1.0], [-1.0]]]) + level).to(dtype).requires_grad_()
        found = linear_softmax(logits)
        found.sum().backward()
        assert abs(found.item() - level) < 1.5 and bool(logits.grad.isfinite().all())
    mixed = torch.tensor([[[level], [-level], [50.0], [-50.0]]]).requires_grad_()
    found = linear_softmax(mixed)
    found.sum().backward()
    assert bool(found.isfinite().all()) and bool(mixed.grad.isfinite().all())


def test_attention_of_sure_frames_stays_finite():
    head = head_of(Attention(of="probabilities"))
    with torch.no_grad():
        head.classes.weight.mul_(1e3)
    heard = encoded((9, 4))
    found = head(heard)
    found.sum().backward()
    assert bool(found.isfinite().all()) and float(found.detach().abs().max()) > 100
    assert all(bool(p.grad.isfinite().all()) for p in head.parameters())


def test_a_prior_is_where_every_class_starts():
    for settings in (Attention(prior=0.1), LinearSoftmax(prior=0.1, hidden=5)):
        head = settings.build(Still(), N_CLASSES).eval()
        silence = Encoded(torch.zeros(2, 10, 3, 5), None)
        with torch.no_grad():
            for module in head.before.modules():
                if isinstance(module, torch.nn.Linear):
                    torch.nn.init.zeros_(module.bias)
            torch.testing.assert_close(head(silence).sigmoid(), torch.full((2, N_CLASSES), 0.1))
