"""Convolutions and pools give a clip in a batch what they give it alone, and say how many frames that is."""

from __future__ import annotations

import pytest
import torch

from earmark.core.batch import signal_mask
from earmark.dsp.padding import padding_zeroed
from earmark.models.layers.convolution import ConvUnit
from earmark.models.layers.masks import masked, max_pooled, mean_pooled, signal_max, signal_mean, strided
from tests.tiny import stirred

LENGTHS = (23, 9, 14, 1)


def maps() -> tuple[torch.Tensor, torch.Tensor]:
    found = torch.tensor(LENGTHS)
    values = torch.randn(len(LENGTHS), 3, 8, max(LENGTHS), generator=torch.Generator().manual_seed(0))
    return values * signal_mask(found, max(LENGTHS))[:, None, None], found


def a_batch_is_its_members(layer, floor: int) -> None:
    values, lengths = maps()
    together, left = layer(values, lengths)
    for row, n in enumerate(LENGTHS):
        if n < floor:
            assert not together[row, ..., int(left[row]) :].any()
            continue
        apart, none = layer(values[row : row + 1, ..., :n], None)
        assert none is None and apart.shape[-1] == int(left[row])
        torch.testing.assert_close(together[row : row + 1, ..., : apart.shape[-1]], apart)
        assert not together[row, ..., apart.shape[-1] :].any()


@pytest.mark.parametrize(
    ("kernel", "stride", "padding"), [(3, 1, None), (3, 2, 1), ((5, 7), (1, 2), (2, 3)), ((2, 4), 1, 0), (1, 1, None)]
)
def test_convolutions(kernel, stride, padding):
    unit = stirred(ConvUnit(3, 4, kernel, stride, padding, act="prelu"))
    taps = kernel if isinstance(kernel, int) else kernel[1]
    with torch.no_grad():
        a_batch_is_its_members(unit, floor=taps if padding == 0 else 1)


@pytest.mark.parametrize("ceil", [False, True])
@pytest.mark.parametrize(
    ("kernel", "stride", "padding"), [((2, 2), None, (0, 0)), ((3, 3), (2, 2), (1, 1)), ((3, 3), (2, 2), (0, 0))]
)
def test_maxima_even_where_everything_is_below_zero(kernel, stride, padding, ceil):
    def below(values, lengths):
        shifted = values - 9.0
        if lengths is not None:
            shifted = shifted * signal_mask(lengths, values.shape[-1])[:, None, None]
        return max_pooled(shifted, lengths, kernel, stride, padding, ceil=ceil)

    a_batch_is_its_members(below, floor=kernel[1] - 2 * padding[1])


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_masks_fill_the_padding_with_zeros_and_keep_the_layout(layout, dtype):
    values, lengths = maps()
    values = (values + 1).to(dtype).contiguous(memory_format=layout).requires_grad_()
    found = masked(values, lengths)
    assert masked(values, None) is values and found.dtype == dtype
    assert torch.equal(found, padding_zeroed(values, lengths))
    assert found.is_contiguous(memory_format=layout), "convolutions of other layouts are slow"
    found.sum().backward()
    assert torch.equal(values.grad, padding_zeroed(torch.ones_like(values), lengths))


@pytest.mark.parametrize("ceil", [False, True])
def test_means(ceil):
    a_batch_is_its_members(
        lambda values, lengths: mean_pooled(values, lengths, (2, 3), ceil=ceil), floor=2 if ceil else 3
    )


def test_means_and_maxima_of_what_is_signal():
    values, lengths = maps()
    noise = torch.where(signal_mask(lengths, max(LENGTHS))[:, None, None], values - 5, 1e3)
    for row, n in enumerate(LENGTHS):
        found = values[row, ..., :n] - 5
        torch.testing.assert_close(signal_mean(noise, lengths)[row], found.mean(dim=(1, 2)))
        torch.testing.assert_close(signal_max(noise, lengths)[row], found.amax(dim=(1, 2)))
    torch.testing.assert_close(signal_mean(values, None), values.mean(dim=(2, 3)))
    torch.testing.assert_close(signal_max(values, None), values.amax(dim=(2, 3)))
    assert not signal_max(noise, torch.zeros_like(lengths)).any()


@pytest.mark.parametrize("size", [(1, 1), (4, 1), (4, 2)])
@pytest.mark.parametrize(("kernel", "stride"), [(3, 2), (7, 2), (5, 3)])
def test_gradients_in_bfloat16_on_maps_narrower_than_the_stride(kernel, stride, size):
    """oneDNN's own read memory that nobody has written: most of the time, not always."""
    for seed in range(8):
        torch.manual_seed(seed)
        unit = ConvUnit(8, 16, kernel, stride, norm=False, act="none").to(memory_format=torch.channels_last)
        values = torch.randn(4, 8, *size).to(memory_format=torch.channels_last)
        plain = unit.convolution(values)
        (wanted,) = torch.autograd.grad(plain.square().sum(), unit.convolution.weight)
        assert torch.equal(unit(values, None)[0], plain)
        with torch.autocast("cpu", torch.bfloat16):
            found, _ = unit(values, None)
        (given,) = torch.autograd.grad(found.float().square().sum(), unit.convolution.weight)
        torch.testing.assert_close(given, wanted, rtol=0.05, atol=0.05 * float(wanted.abs().max()))


def test_lengths_are_those_of_torch():
    for n in range(1, 30):
        for kernel, stride, padding, dilation in ((3, 2, 1, 1), (4, 3, 0, 1), (3, 1, 2, 2), (1, 2, 0, 1)):
            if n + 2 * padding < dilation * (kernel - 1) + 1:
                continue
            layer = torch.nn.Conv1d(1, 1, kernel, stride, padding, dilation)
            wanted = layer(torch.zeros(1, 1, n)).shape[-1]
            assert strided(torch.tensor([n]), kernel, stride, padding, dilation).tolist() == [wanted]
            if 2 * padding <= kernel:
                pool = torch.nn.MaxPool1d(kernel, stride, padding, dilation, ceil_mode=True)
                wanted = pool(torch.zeros(1, 1, n)).shape[-1]
                assert strided(torch.tensor([n]), kernel, stride, padding, dilation, ceil=True).tolist() == [wanted]


@pytest.mark.parametrize(
    ("kernel", "stride", "size"), [(3, 1, (8, 20)), (3, 2, (9, 20)), (5, 1, (8, 20)), (3, 1, (2, 4))]
)
def test_convolutions_of_single_channels_are_torchs_own_in_any_arithmetic(kernel, stride, size):
    unit = ConvUnit(6, 6, kernel, stride, groups=6, norm=False, act="none")
    values = torch.randn(3, 6, *size, generator=torch.Generator().manual_seed(0)).requires_grad_()
    plain = torch.nn.functional.conv2d(values, unit.convolution.weight, None, stride, kernel // 2, groups=6)
    chance = torch.randn(plain.shape, generator=torch.Generator().manual_seed(1))
    wanted = torch.autograd.grad((plain * chance).sum(), [values, unit.convolution.weight])
    torch.testing.assert_close(unit(values, None)[0], plain)
    with torch.autocast("cpu", torch.bfloat16):
        found = unit(values, None)[0]
    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(found.float(), plain, rtol=0.02, atol=0.02)
    for one, other in zip(
        torch.autograd.grad((found * chance).sum(), [values, unit.convolution.weight]), wanted, strict=True
    ):
        torch.testing.assert_close(one, other, rtol=0.05, atol=0.1)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("padded", [False, True])
def test_means_over_the_signal(layout, padded):
    values, lengths = maps()
    values = values.to(memory_format=layout)
    found = signal_mean(values, lengths if padded else None)
    for row, n in enumerate(LENGTHS):
        torch.testing.assert_close(found[row], values[row, ..., : n if padded else None].mean(dim=(1, 2)))
    assert signal_mean(values.bfloat16(), None).dtype == torch.float32
