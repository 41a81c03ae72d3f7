"""Few at once is all at once, only sooner."""

from __future__ import annotations

import pytest
import torch

from earmark.dsp import few_at_once as module
from earmark.dsp.clipwise import few_at_once


def centred(values: torch.Tensor, factor: torch.Tensor) -> torch.Tensor:
    return (values - values.mean(dim=1, keepdim=True)) * factor[:, None]


@pytest.mark.parametrize("n", [0, 1, 7, 10])
def test_pieces_of_any_size_give_what_the_whole_gives(n, monkeypatch):
    chance = torch.Generator().manual_seed(0)
    values, factor, sizes = torch.randn(n, 6, generator=chance), torch.randn(n, generator=chance), []

    def change(values, factor):
        sizes.append(len(values))
        return centred(values, factor)

    monkeypatch.setattr(module, "_VALUES", 18)
    torch.testing.assert_close(few_at_once(change, values, factor), centred(values, factor))
    assert sum(sizes) == n and max(sizes) <= 3


def test_gradients_are_recorded(monkeypatch):
    monkeypatch.setattr(module, "_VALUES", 6)
    factor = torch.ones(4, requires_grad=True)
    few_at_once(centred, torch.randn(4, 6), factor).square().sum().backward()
    assert factor.grad is not None and bool((factor.grad > 0).all())
