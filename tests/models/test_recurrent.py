"""Recurrent layers hear what torch's own hear of packed sequences; the head takes their state at each clip's end."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from earmark.core.errors import SettingsError
from earmark.models.encoders.encoder import Encoded, EncoderModule, Shape
from earmark.models.heads.head import Head
from earmark.models.heads.recurrent import RecurrentHead
from earmark.models.layers.recurrent import Recurrent, turned
from tests.tiny import N_CLASSES, stirred

LENGTHS = (5, 9, 1, 9, 4)


def sequences(n_channels: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    values = torch.randn(len(LENGTHS), max(LENGTHS), n_channels, generator=torch.Generator().manual_seed(0))
    return values, torch.tensor(LENGTHS)  # what lies behind the ends is noise, and must not matter


def torchs_own(net: Recurrent, kind: type[nn.RNNBase], n_in: int, units: int, n_layers: int, both: bool) -> nn.RNNBase:
    own = kind(n_in, units, n_layers, batch_first=True, bidirectional=both)
    own.load_state_dict(
        {
            name.replace("_l0", f"_l{i}") + ("_reverse" if way else ""): value
            for i, layer in enumerate(net.layers)
            for way, part in enumerate(layer)
            for name, value in part.state_dict().items()
        }
    )
    return own


@pytest.mark.parametrize(("cell", "kind"), [("gru", nn.GRU), ("lstm", nn.LSTM)])
@pytest.mark.parametrize("n_layers", [1, 2, 3])
@pytest.mark.parametrize("both_ways", [False, True])
def test_layers_hear_what_torchs_own_hear_of_packed_sequences(cell, kind, n_layers, both_ways):
    net = Recurrent(3, 4, n_layers, cell=cell, both_ways=both_ways)
    own = torchs_own(net, kind, 3, 4, n_layers, both_ways)
    values, lengths = sequences()
    with torch.no_grad():
        packed = pack_padded_sequence(values, lengths, batch_first=True, enforce_sorted=False)
        wanted, state = own(packed)
        wanted, _ = pad_packed_sequence(wanted, batch_first=True)
        heard, last = net(values, lengths)
        state = (state[0] if cell == "lstm" else state)[-2 if both_ways else -1 :]
        torch.testing.assert_close(last, state.transpose(0, 1).flatten(1))
        for row, n in enumerate(LENGTHS):
            torch.testing.assert_close(heard[row, :n], wanted[row, :n])
        torch.testing.assert_close(net(values, None)[0], own(values)[0])


def test_turning_twice_changes_nothing_and_padding_stays():
    values, lengths = sequences()
    assert torch.equal(turned(turned(values, lengths), lengths), values)
    assert torch.equal(turned(values, lengths)[0, 5:], values[0, 5:])
    assert torch.equal(turned(values[:1, :5], None), turned(values, lengths)[:1, :5])


def test_a_clip_of_no_frames_has_no_state():
    values, _ = sequences()
    _, last = Recurrent(3, 4, both_ways=True)(values, torch.tensor([5, 0, 1, 9, 4]))
    assert not last[1].any() and bool(last[0].any())


class TwoTaps(EncoderModule):
    """An encoder that only says what it would give."""

    taps = (Shape(4, 6, 2), Shape(5, 3, 4))
    n_channels, n_bands, stride = taps[-1]


def heard() -> Encoded:
    chance = torch.Generator().manual_seed(1)
    taps = [Encoded(torch.randn(3, *shape[:2], 16 // shape.stride, generator=chance), None) for shape in TwoTaps.taps]
    return Encoded(taps[-1].maps, None, tuple(taps))


AGGREGATION = {
    "kind": "recurrent",
    "taps": True,
    "bands": "mean",
    "layer_norm": True,
    "units": 7,
    "layers": 1,
    "both_ways": True,
    "input_norm": True,
    "hidden": "same",
    "act": "prelu",
    "norm": "before",
    "dropout": 0.5,
}
"""The recurrent aggregation of ex4sperans, with few units."""


def test_each_tap_is_listened_to_by_a_net_of_its_own():
    head = stirred(Head._read(AGGREGATION).build(TwoTaps(), N_CLASSES))
    wanted = []
    for tap, norm, net in zip(heard().taps, head.norms, head.nets, strict=True):
        own = torchs_own(net, nn.GRU, tap.maps.shape[1], 7, 1, True)
        frames = norm(tap.maps.mean(dim=2).permute(0, 2, 1))
        wanted.append(own(frames)[1].permute(1, 0, 2).reshape(len(frames), -1))
    norm, _, linear, hidden_norm, prelu, dropout, last = head.layers
    assert (linear.in_features, linear.out_features, prelu.num_parameters, dropout.p) == (28, 28, 28, 0.5)
    with torch.no_grad():
        torch.testing.assert_close(head(heard()), last(prelu(hidden_norm(linear(norm(torch.cat(wanted, dim=1)))))))


@pytest.mark.parametrize(("bands", "n"), [("flat", 15), ("mean", 5), ("max", 5)])
def test_a_frame_is_all_rows_of_all_channels_or_what_they_come_to(bands, n):
    head = RecurrentHead(bands=bands, units=4, hidden=()).build(TwoTaps(), N_CLASSES)
    frames = head._frames(heard().maps)
    assert head.nets[0].layers[0][0].input_size == n == frames.shape[2]
    if bands == "flat":
        assert torch.equal(frames[0, 2], heard().maps[0, :, :, 2].reshape(-1))


def test_what_does_not_fit_is_refused():
    class NoTaps(EncoderModule):
        n_channels, n_bands, stride = 4, 3, 2

    with pytest.raises(SettingsError, match="'recurrent' looks at taps"):
        RecurrentHead(taps=True).build(NoTaps(), N_CLASSES)
    with pytest.raises(ValueError, match="1 hidden layers need as many numbers in dropout, got 2"):
        RecurrentHead(dropout=(0.1, 0.2))
    with pytest.raises(ValueError, match="a share from 0 to below 1"):
        RecurrentHead(dropout=1.0)
    with pytest.raises(SettingsError, match="batch_size"):
        head = RecurrentHead(units=4, input_norm=True).build(NoTaps(), N_CLASSES)
        head.train()(Encoded(torch.zeros(1, 4, 3, 5), None))
