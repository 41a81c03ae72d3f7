"""Counted multiply-adds and measured receptive fields against sums done by hand."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from earmark.core.spec import Spec
from earmark.models.counting import Reach, counts, multiply_adds, reach
from earmark.models.encoders.crnn import CRNN
from earmark.models.encoders.efficient import Efficient
from earmark.models.encoders.encoder import Encoded, Encoder, EncoderModule
from earmark.models.encoders.patch_transformer import PatchTransformer
from earmark.models.encoders.raw_lstm import RawLSTM
from earmark.models.encoders.resnet import ResNet
from earmark.models.encoders.skip_cnn import SkipCNN
from earmark.models.layers.recurrent import Recurrent

MEL = Spec("features", 100.0, 1, 64)


def seen(*layers: tuple[int, int]) -> int:
    """Frames that one frame hears through layers of (kernel, stride)."""
    n, step = 1, 1
    for kernel, stride in layers:
        n, step = n + (kernel - 1) * step, step * stride
    return n


@pytest.mark.parametrize("skip", [True, False])
@pytest.mark.parametrize("n_blocks", [1, 2, 4])
def test_the_skip_net_hears_what_its_kernels_add_up_to(n_blocks, skip):
    encoder = SkipCNN(widths=(3,) * n_blocks, skip=skip)
    wanted = seen(*[(3, 1), (3, 1), (2, 2)] * n_blocks)
    assert wanted == {1: 6, 2: 16, 4: 76}[n_blocks]
    assert reach(encoder, MEL) == Reach(wanted, gated=False)


def test_the_residual_net_hears_899_frames():
    blocks = [(3, 1)] * 6 + [(3, 2)] + [(3, 1)] * 7 + [(3, 2)] + [(3, 1)] * 11 + [(3, 2)] + [(3, 1)] * 5
    wanted = seen((7, 2), (3, 2), *blocks)
    assert wanted == 899
    assert reach(ResNet(layers=34, width=0.1), MEL) == Reach(wanted, gated=False)
    assert reach(ResNet(layers=18, width=0.1, self_attention=True, zero_start=True), MEL).frames is None


@pytest.mark.parametrize("settings", [{}, {"fused": 0, "large_kernel": 5}])
def test_gates_are_told_from_what_is_heard_in_detail(settings):
    large = settings.get("large_kernel", 3)
    stages = [
        (3, 1),
        (3, 2),
        (3, 1),
        (large, 2),
        *[(large, 1)] * 2,
        (3, 2),
        *[(3, 1)] * 5,
        (large, 2),
        *[(large, 1)] * 2,
    ]
    encoder = Efficient(width=0.1, **settings)
    assert reach(encoder, MEL) == Reach(seen((3, 2), *stages), gated=True)
    assert reach(encoder.model_copy(update={"squeeze": "none"}), MEL) == Reach(seen((3, 2), *stages), gated=False)


def test_recurrent_nets_and_attention_hear_everything():
    assert reach(RawLSTM(units=4), Spec("wave", 8000.0)) == Reach(None, gated=False)
    assert reach(PatchTransformer(width=12, n_layers=1, n_heads=2), MEL) == Reach(None, gated=False)


class Odd(Encoder, kind="odd"):
    """Maxima without activation, a hole in the kernel, and two ways of different length, of which one has groups."""

    def shortest(self, spec: Spec) -> int:
        return 8

    def build(self, spec: Spec) -> EncoderModule:
        return OddModule()


class OddModule(EncoderModule):
    """The net itself."""

    n_channels, n_bands, stride = 4, 64, 3

    def __init__(self) -> None:
        super().__init__()
        self.holes = nn.Conv2d(1, 4, (1, 3), padding=(0, 2), dilation=(1, 2))
        self.each = nn.Conv2d(4, 4, (1, 5), padding=(0, 2), groups=4)
        self.norm = nn.LayerNorm(4)

    def forward(self, values: torch.Tensor, lengths: torch.Tensor | None) -> Encoded:
        values = self.holes(values)
        one = F.max_pool2d(self.each(values), (1, 3), (1, 3), (0, 1))
        other = F.relu6(F.avg_pool2d(values, (1, 3), (1, 3), (0, 1)) - 1e6)
        both = (one + other).permute(0, 2, 3, 1)
        return Encoded(self.norm(both).permute(0, 3, 1, 2).sigmoid(), lengths)


def test_ways_that_gradients_would_miss_are_found():
    # Maxima, saturation and norms of equal channels would hide most of it, if they were what they are.
    assert reach(Odd(), MEL) == Reach(seen((5, 1), (5, 1), (3, 3)), gated=False)


def test_multiply_adds_of_convolutions():
    # On 64 bands and 100 frames: 1 to 4 to 4 channels, then, on 32 and 50, 4 to 6 to 6.
    wanted = 9 * 64 * 100 * (1 * 4 + 4 * 4) + 9 * 32 * 50 * (4 * 6 + 6 * 6)
    assert multiply_adds(SkipCNN(widths=(4, 6), skip=False), MEL, 100) == wanted


def test_multiply_adds_of_recurrent_nets():
    encoder = RawLSTM(units=5, layers=2, both_ways=True, frame_ms=25, hop_ms=10)  # 200 samples every 80
    frames = (8000 - 200) // 80 + 1
    wanted = 2 * frames * 4 * 5 * ((200 + 5) + (10 + 5))
    assert multiply_adds(encoder, Spec("wave", 8000.0), 8000) == wanted


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_steps_at_once_count_as_torch_counts_them_one_by_one(cell):
    class Only(Encoder, kind="only"):
        def shortest(self, spec: Spec) -> int:
            return 1

        def build(self, spec: Spec) -> EncoderModule:
            return OnlyModule()

    class OnlyModule(EncoderModule):
        n_channels, n_bands, stride = 6, 1, 1

        def __init__(self) -> None:
            super().__init__()
            self.net = Recurrent(64, 3, 2, cell=cell, both_ways=True)

        def forward(self, values: torch.Tensor, lengths: torch.Tensor | None) -> Encoded:
            heard, _ = self.net(values[:, 0].transpose(1, 2), lengths)
            return Encoded(heard.transpose(1, 2)[:, :, None], lengths)

    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        OnlyModule()(torch.zeros(1, 1, 64, 20), None)
    assert multiply_adds(Only(), MEL, 20) == counter.get_total_flops() // 2 > 0


def test_multiply_adds_of_attention_grow_with_the_square_of_a_clip():
    def more(n_tokens: int) -> int:
        encoder = PatchTransformer(patch=(64, 1), stride=(64, 1), width=8, n_layers=1, n_heads=2, mlp_ratio=2)
        return multiply_adds(encoder, MEL, n_tokens)

    for n in (10, 20):
        assert more(n) == n * (64 * 8 + 4 * 8 * 8 + 2 * 2 * 8 * 8) + 2 * n * n * 8


def test_all_counts_of_one_encoder():
    found = counts(CRNN(), MEL)
    assert (found.stride, found.shortest, found.n_channels, found.n_bands) == (8, 1, 256, 1)
    assert found.multiply_adds_per_s == pytest.approx(multiply_adds(CRNN(), MEL, 1000) / 10)
    assert found.n_parameters == sum(p.numel() for p in CRNN().build(MEL).parameters())
