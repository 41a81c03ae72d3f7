"""A few clips at a time is all at once, only sooner."""

from __future__ import annotations

import pytest
import torch

from earmark.core.batch import signal_mask
from earmark.dsp import clipwise as module
from earmark.dsp.clipwise import Some, all_at_once, clipwise, few_at_once


def clips(lengths: list[int], seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    found = torch.tensor(lengths, dtype=torch.int64)
    width = max(lengths, default=5)
    values = torch.randn(len(lengths), 2, width, generator=torch.Generator().manual_seed(seed))
    return values * signal_mask(found, width)[:, None], found


def less_mean(values: torch.Tensor, some: Some) -> torch.Tensor:
    n = values.shape[-1] if some.lengths is None else some.lengths[:, None, None]
    return (values - values.sum(-1, keepdim=True) / n)[..., : some.n]


@pytest.mark.parametrize("n_rows", [1, 2, 3, 8])
@pytest.mark.parametrize("lengths", [[9, 4, 4, 9, 1], [7], [6, 6, 6], []])
def test_pieces_of_any_size_give_what_the_whole_gives(lengths, n_rows, monkeypatch):
    values, found = clips(lengths)
    apart = clipwise(less_mean, values, found, n_rows=n_rows)
    monkeypatch.setattr(module, "all_at_once", lambda *_: True)
    torch.testing.assert_close(apart, clipwise(less_mean, values, found), rtol=0, atol=1e-6)


def test_padding_is_not_worked_on_and_zero_afterwards():
    values, found = clips([9, 4, 1])
    widths = []

    def ones(part: torch.Tensor, some: Some) -> torch.Tensor:
        widths.append(part.shape[-1])
        assert some.lengths is None
        return torch.ones(1, 3, some.n)

    made = clipwise(ones, values, found, counts=found + 2, n_out=10, shape=(3,))
    assert sorted(widths) == [1, 4, 9]
    assert made.shape == (3, 3, 10) and made.sum((1, 2)).tolist() == [30, 18, 9] and not made[2, :, 3:].any()


def test_a_gradient_or_another_device_is_taken_all_at_once():
    values, found = clips([5, 3])
    assert not all_at_once(values) and all_at_once(values.to("meta"))
    values.requires_grad_()
    assert all_at_once(found, values)
    clipwise(less_mean, values, found).square().sum().backward()
    assert values.grad is not None and values.grad[1, :, :3].any()
    with torch.no_grad():
        assert not all_at_once(values)


def centred(values: torch.Tensor, factor: torch.Tensor) -> torch.Tensor:
    return (values - values.mean(dim=1, keepdim=True)) * factor[:, None]


@pytest.mark.parametrize("n", [0, 1, 7, 10])
def test_few_at_once_are_as_many_as_fit(n, monkeypatch):
    chance = torch.Generator().manual_seed(0)
    values, factor, sizes = torch.randn(n, 6, generator=chance), torch.randn(n, generator=chance), []

    def change(values, factor):
        sizes.append(len(values))
        return centred(values, factor)

    monkeypatch.setattr(module, "_VALUES", 18)
    torch.testing.assert_close(few_at_once(change, values, factor), centred(values, factor))
    assert sum(sizes) == n and max(sizes) <= 3


def test_gradients_of_what_else_is_needed_are_recorded(monkeypatch):
    monkeypatch.setattr(module, "_VALUES", 6)
    factor = torch.ones(4, requires_grad=True)
    few_at_once(centred, torch.randn(4, 6), factor).square().sum().backward()
    assert factor.grad is not None and bool((factor.grad > 0).all())
