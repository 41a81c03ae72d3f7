"""Pieces of clips: on every device where they belong."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from earmark.dsp import pieces
from earmark.dsp.pieces import _copied, _gathered, delayed, moved, place_of


def naive(values, sources, counts, places, n):
    made = torch.zeros(*values.shape[:-1], n)
    for clip in range(values.shape[0]):
        for source, count, place in zip(sources[clip], counts[clip], places[clip], strict=True):
            for i in range(int(count)):
                made[clip, ..., int(place) + i] = values[clip, ..., int(source) + i]
    return made


@pytest.mark.parametrize("way", [moved, _copied, _gathered])
@pytest.mark.parametrize("shape", [(40, 23), (40, 2, 3, 23)])
def test_pieces_come_to_lie_where_they_are_wanted_whatever_the_way(way, shape):
    chance = torch.Generator().manual_seed(0)
    values, n = torch.randn(shape, generator=chance), 19
    # Between random borders lie pieces, some of them empty, with gaps before them.
    borders = torch.randint(0, n + 1, (40, 8), generator=chance).sort(dim=1).values
    places, counts = borders[:, 1::2], borders[:, 1::2]
    counts = torch.cat([borders[:, 2::2], torch.full((40, 1), n)], dim=1) - places
    counts = (counts * torch.rand(counts.shape, generator=chance)).round().long()
    counts[:10, ::2] = 0
    sources = place_of(torch.rand(counts.shape, generator=chance), 23 - counts)
    given = (values, sources, counts, places, n)
    assert torch.equal(way(*given), naive(*given))


def test_of_pieces_that_begin_at_once_the_one_with_something_in_it_counts():
    given = torch.tensor([[1.0, 2.0]]), *(torch.tensor([row]) for row in ([0, 0, 1], [0, 0, 1], [1, 1, 1])), 3
    assert _gathered(*given).tolist() == _copied(*given).tolist() == [[0.0, 2.0, 0.0]]


def test_every_place_is_as_likely_and_none_lies_outside():
    shares = (torch.arange(1200) + 0.5) / 1200
    assert place_of(shares, torch.full((1200,), 2)).bincount().tolist() == [400, 400, 400]
    room = torch.tensor([2**20, 2**24, 10**9])
    assert bool((place_of(torch.full((3,), 1 - 2**-24), room) <= room).all())


@pytest.mark.parametrize("shape", [(7, 9), (7, 2, 3, 9)])
@pytest.mark.parametrize("way", [_copied, _gathered])
def test_every_clip_begins_where_it_should_and_is_cut_at_both_ends(shape, way, monkeypatch):
    monkeypatch.setattr(pieces, "_copied", way)
    values = torch.rand(shape, generator=torch.Generator().manual_seed(0)) + 1
    lengths, starts = torch.tensor([9, 4, 4, 1, 9, 9, 5]), torch.tensor([0, 3, -2, 8, 9, -20, -5])
    made = delayed(values, lengths, starts).numpy()
    for row, (length, start) in enumerate(zip(lengths.tolist(), starts.tolist(), strict=True)):
        wanted = np.zeros(shape[1:], np.float32)
        for i in range(length):
            if 0 <= i + start < 9:
                wanted[..., i + start] = values[row, ..., i].numpy()
        np.testing.assert_array_equal(made[row], wanted)
