"""Nets of 2019 and before have the published sizes, and compute what their plain formulation computes."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from earmark.core.errors import SettingsError
from earmark.core.spec import Spec
from earmark.models.encoders.crnn import CRNN
from earmark.models.encoders.encoder import Encoded
from earmark.models.encoders.mobilenet_v1 import MobileNetV1
from earmark.models.encoders.plain_cnn import PlainCNN
from earmark.models.encoders.raw_cnn import RawCNN
from earmark.models.encoders.raw_lstm import RawLSTM
from earmark.models.encoders.resnet_cnn import ResnetCNN
from earmark.models.encoders.skip_cnn import SkipCNN
from earmark.models.heads.mean_max import MeanMax
from earmark.models.network import n_parameters
from earmark.models.statistics import batch_norms
from tests.models.plain import noise, published, shared
from tests.tiny import stirred

LINEAR = {"kind": "pooled", "hidden": (), "dropout": ()}
DENG = {"hidden": (128,), "act": "prelu", "slopes": "one", "norm": "after", "input_dropout": 0.2, "dropout": 0.1}


def swapped(net: nn.Module) -> None:
    """Transpose every kernel, as a net on the other axes has learnt it."""
    for each in net.modules():
        if isinstance(each, nn.Conv2d):
            each.weight.data = each.weight.data.transpose(2, 3).contiguous()


@pytest.mark.parametrize("skip", [False, True])
def test_swapped_axes_are_transposed_kernels_and_a_swapped_head(skip):
    torch.manual_seed(0)
    encoder = stirred(SkipCNN(widths=(4, 5), skip=skip).build(Spec("features", 63.5, 3, 16)))
    head = stirred(MeanMax(hidden=6, swapped=True).build(encoder, 3))
    values = noise(2, 3, 16, 24)
    with torch.no_grad():
        usual = encoder(values, None)
        swapped(encoder)
        other = encoder(values.transpose(2, 3), None).maps  # [time, freq], so its dim 3 is frequency
        torch.testing.assert_close(usual.maps, other.transpose(2, 3))
        torch.testing.assert_close(head(usual), head.layers(other.mean(dim=3).amax(dim=2)))
        plain = stirred(MeanMax(hidden=6).build(encoder, 3))
        assert not torch.allclose(head(usual), plain(usual))
        padded = Encoded(F.pad(usual.maps - 9.0, (0, 3)), torch.tensor([6, 6]))
        torch.testing.assert_close(head(padded), head(Encoded(usual.maps - 9.0, None)))


def test_the_net_with_a_gru_is_skip_cnn_without_skips_and_the_recurrent_head():
    network = published(
        SkipCNN(widths=(64, 128, 128, 64), skip=False),
        {"kind": "recurrent", "cell": "gru", "units": 256, "layers": 2, **DENG},
        Spec("features", 63.5, 3, 128),
    )
    assert (network.encoder.n_channels, network.encoder.n_bands) == (64, 8)
    head = network.heads["main"]
    assert n_parameters(head.nets) == n_parameters(nn.GRU(512, 256, 2))
    kinds = [type(layer) for layer in head.layers]
    assert kinds == [nn.Dropout, nn.Linear, nn.PReLU, nn.BatchNorm1d, nn.Dropout, nn.Linear]
    assert (head.layers[0].p, head.layers[2].num_parameters, head.layers[4].p) == (0.2, 1, 0.1)
    blocks, n_in = 0, 3
    for n in (64, 128, 128, 64):
        blocks += 9 * n_in * n + 9 * n * n + 2 * n + 4 * n
        n_in = n
    assert n_parameters(network.encoder) == blocks


def test_the_net_with_an_lstm_gives_it_1024_numbers_a_frame():
    spec = Spec("features", 100.0, 1, 40)
    head = {"kind": "recurrent", "cell": "lstm", "units": 512, "layers": 2, "hidden": (256,)}
    network = published(PlainCNN(), head, spec)
    assert network.encoder.n_channels * network.encoder.n_bands == 1024
    assert n_parameters(network.heads["main"].nets) == n_parameters(nn.LSTM(1024, 512, 2))
    net = stirred(PlainCNN().build(spec))
    steps: list[nn.Module] = []
    for n_in, n_out, kernel, stride in ((1, 16, 5, 1), (16, 32, 3, 1), (32, 64, 3, 2)):
        steps += [nn.Conv2d(n_in, n_out, kernel, stride), nn.BatchNorm2d(n_out), nn.ReLU()]
    with torch.no_grad():
        found = net(noise(2, 1, 40, 300), None).maps
        assert found.shape == (2, 64, 16, 146)
        torch.testing.assert_close(found, shared(net, nn.Sequential(*steps))(noise(2, 1, 40, 300)))
    with pytest.raises(SettingsError, match="need 9 bands, but the view gives 8"):
        PlainCNN().build(Spec("features", 100.0, 1, 8))


class PlainBasic(nn.Module):
    def __init__(self, n_in: int, n: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(n_in, n, 3, stride, 1, bias=False), nn.BatchNorm2d(n), nn.ReLU())
        self.second = nn.Sequential(nn.Conv2d(n, n, 3, 1, 1, bias=False), nn.BatchNorm2d(n))
        if n_in != n or stride != 1:
            self.past = nn.Sequential(nn.Conv2d(n_in, n, 1, stride, bias=False), nn.BatchNorm2d(n))

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        past = self.past(values) if hasattr(self, "past") else values
        return torch.relu(self.second(self.first(values)) + past)


def test_the_small_residual_net_is_its_basic_blocks():
    net = stirred(ResnetCNN(widths=(3, 4, 5), strides=(1, 2, 2)).build(Spec("features", 63.5, 3, 13)))
    plain = nn.Sequential(PlainBasic(3, 3, 1), PlainBasic(3, 4, 2), PlainBasic(4, 5, 2))
    with torch.no_grad():
        found = net(noise(2, 3, 13, 18), None)
        assert net.taps[1] == (4, 7, 2) and found.taps[1].maps.shape == (2, 4, 7, 9)
        torch.testing.assert_close(found.maps, shared(net, plain)(noise(2, 3, 13, 18)))
    head = {"kind": "pooled", "time": "mean", "bands": "mean", **DENG}
    network = published(ResnetCNN(), head, Spec("features", 63.5, 3, 128))
    plain = nn.Sequential(
        PlainBasic(3, 64, 1), PlainBasic(64, 128, 2), PlainBasic(128, 256, 2), PlainBasic(256, 512, 2)
    )
    assert n_parameters(network.encoder) == n_parameters(plain) == 4_861_440


class PlainCRNN(nn.Module):
    def __init__(self, widths, pools, widths_in_time, n_in, n_flat) -> None:
        super().__init__()
        steps: list[nn.Module] = []
        for width, pool in zip(widths, pools, strict=True):
            steps += [nn.Conv2d(n_in, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU()]
            steps += [nn.ZeroPad2d((0, 1, 0, 1)), nn.MaxPool2d(pool)] if pool != (1, 1) else []
            n_in = width
        self.over_both = nn.Sequential(*steps)
        steps, n_in = [], n_flat
        for width in widths_in_time:
            steps += [nn.Conv1d(n_in, width, 3, padding=1), nn.BatchNorm1d(width), nn.ReLU()]
            n_in = width
        self.over_time = nn.Sequential(*steps)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        values = self.over_both(values)
        return self.over_time(values.flatten(1, 2))


def test_crnn_is_convolutions_over_both_axes_and_then_over_time():
    settings = CRNN(widths=(3, 4, 5), pools=((1, 1), (2, 2), (2, 2)), widths_in_time=(6, 7))
    net = stirred(settings.build(Spec("features", 50.0, 1, 11)))
    plain = PlainCRNN(settings.widths, settings.pools, settings.widths_in_time, 1, 5 * 3)
    values = noise(2, 1, 11, 23)
    with torch.no_grad():
        found = net(values, None).maps
        # Rows and frames are odd at both pools (11, 6 -> 3; 23, 12 -> 6): zeros fill up the last window.
        wanted = shared(net, plain)(values)
    assert found.shape == (2, 7, 1, 6)
    torch.testing.assert_close(found[:, :, 0], wanted[..., :6])


def test_crnn_has_the_published_sizes():
    network = published(CRNN(), {"kind": "recurrent"}, Spec("features", 50.0, 1, 128))
    encoder, head = network.encoder, network.heads["main"]
    assert (encoder.n_channels, encoder.n_bands, encoder.stride) == (256, 1, 8)
    assert encoder.units_in_time[0].convolution.in_channels == 1024
    plain = PlainCRNN(CRNN().widths, CRNN().pools, CRNN().widths_in_time, 1, 1024)
    assert n_parameters(encoder) == n_parameters(plain) == 1_771_824
    assert n_parameters(head) == n_parameters(nn.GRU(256, 256, 2)) + 256 * 256 + 256 + 256 * 80 + 80
    assert [type(layer) for layer in head.layers if not isinstance(layer, nn.Dropout)] == [
        nn.Linear,
        nn.ReLU,
        nn.Linear,
    ]


def test_mobilenet_has_the_size_of_the_challenge_baseline_and_of_the_paper():
    baseline = published(MobileNetV1(), LINEAR, Spec("features", 100.0, 1, 96))
    assert n_parameters(baseline) == 3_287_024  # 3.3 million for 80 classes
    assert (baseline.encoder.n_channels, baseline.encoder.n_bands, baseline.encoder.stride) == (1024, 6, 16)
    paper = published(MobileNetV1(stem=32, stem_stride=2), LINEAR, Spec("features", 100.0, 3, 224))
    assert n_parameters(paper.encoder) + 1024 * 1000 + 1000 == 4_231_976  # its net for 1000 classes
    assert (paper.encoder.n_bands, paper.encoder.stride) == (7, 32)
    norms = [each.momentum for each in batch_norms(baseline)]
    assert set(norms) == {torch.nn.BatchNorm2d(1).momentum}, "as usual, unless it is told otherwise"
    with pytest.raises(ValueError, match="every pair needs a width and a stride, got 2 and 13"):
        MobileNetV1(widths=(4, 5))


def test_mobilenet_is_convolutions_over_channels_and_places_in_turn():
    net = stirred(MobileNetV1(widths=(5, 6), strides=(1, 2), stem=4).build(Spec("features", 100.0, 1, 9)))
    steps: list[nn.Module] = [nn.Conv2d(1, 4, 3, 1, 1, bias=False), nn.BatchNorm2d(4), nn.ReLU()]
    for n_in, n_out, stride in ((4, 5, 1), (5, 6, 2)):
        steps += [nn.Conv2d(n_in, n_in, 3, stride, 1, groups=n_in, bias=False), nn.BatchNorm2d(n_in), nn.ReLU()]
        steps += [nn.Conv2d(n_in, n_out, 1, bias=False), nn.BatchNorm2d(n_out), nn.ReLU()]
    with torch.no_grad():
        found = net(noise(2, 1, 9, 13), None).maps
        torch.testing.assert_close(found, shared(net, nn.Sequential(*steps))(noise(2, 1, 9, 13)))


# M3, M5, M11 and M18 have 0.2, 0.5, 1.8 and 3.7 million in the paper, which counts without the last layer.
@pytest.mark.parametrize(
    ("settings", "millions"),
    [
        ({"first_width": 256, "widths": (256,), "depths": (1,)}, 0.2),
        ({"first_width": 128, "widths": (128, 256, 512), "depths": (1, 1, 1)}, 0.55),
        ({}, 1.8),
        ({"depths": (4, 4, 4, 4)}, 3.7),
    ],
)
def test_nets_on_waves_have_the_sizes_of_the_paper(settings, millions):
    network = published(RawCNN(**settings), {**LINEAR, "time": "mean"}, Spec("wave", 8000.0))
    assert abs(n_parameters(network.encoder) / 1e6 - millions) < 0.05


def test_a_net_on_waves_is_its_plain_convolutions():
    spec = Spec("wave", 8000.0)
    settings = RawCNN(first_width=3, first_kernel=10, first_stride=4, widths=(4, 5), depths=(1, 2), pool=3)
    net, wave = stirred(settings.build(spec)), noise(2, 200)
    steps: list[nn.Module] = [nn.Conv1d(1, 3, 10, 4, 3, bias=False), nn.BatchNorm1d(3), nn.ReLU(), nn.MaxPool1d(3)]
    steps += [nn.Conv1d(3, 4, 3, padding=1, bias=False), nn.BatchNorm1d(4), nn.ReLU(), nn.MaxPool1d(3)]
    for n_in in (4, 5):
        steps += [nn.Conv1d(n_in, 5, 3, padding=1, bias=False), nn.BatchNorm1d(5), nn.ReLU()]
    with torch.no_grad():
        found = net(wave, None).maps
        torch.testing.assert_close(found[:, :, 0], shared(net, nn.Sequential(*steps))(wave[:, None]))
    assert settings.shortest(spec) == 36  # nine frames: 8 * 4 + 10 samples, of which six are padding
    assert RawCNN().build(spec)(noise(1, 32000), None).maps.shape == (1, 512, 1, 31)
    with pytest.raises(ValueError, match="sees 80 samples every 5"):
        RawCNN(first_stride=5)


def test_an_lstm_on_waves_takes_one_frame_a_step():
    settings, spec = RawLSTM(frame_ms=2.5, hop_ms=1, units=4, layers=1), Spec("wave", 8000.0)
    net, wave = stirred(settings.build(spec)), noise(2, 100)
    assert (net.frame_samples, net.stride, settings.shortest(spec)) == (20, 8, 20)
    with torch.no_grad():
        normed = net.norm(wave[:, None])[:, 0]
        frames = torch.stack([normed[:, i * 8 : i * 8 + 20] for i in range(11)], dim=1)
        wanted = net.net.layers[0][0](frames)[0]
        torch.testing.assert_close(net(wave, None).maps[:, :, 0], wanted.transpose(1, 2))
    with pytest.raises(SettingsError, match="less than a sample at 8000 Hz"):
        RawLSTM(hop_ms=0.01).build(spec)
