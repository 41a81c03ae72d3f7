"""Waves cut, turned and put together again: every sample is where it should be."""

from __future__ import annotations

import pytest
import torch

from earmark.core.batch import Batch, waves
from earmark.core.errors import SettingsError
from earmark.core.settings import read
from earmark.signal.augment.gain import Gain
from earmark.signal.augment.wave.chunk_shuffle import ChunkShuffle, ChunkShuffleDraw
from earmark.signal.augment.wave.cut_out import CutOut
from earmark.signal.augment.wave.polarity import Polarity
from earmark.signal.augment.wave.reverse import Reverse
from earmark.signal.augment.wave.segment import Segment
from earmark.signal.augment.wave.shift import Shift, ShiftDraw
from earmark.signal.step import Augment, Spec

RATE_HZ = 10.0


def counted(*lengths: int, n: int = 1) -> Batch:
    """Waves of which each sample says where it is, from 1 on."""
    found = torch.tensor(lengths).repeat(n)
    values = torch.arange(1.0, max(lengths) + 1).repeat(len(found), 1)
    return waves(values * (values <= found[:, None]), found, RATE_HZ, tuple(map(str, range(len(found)))), 1)


def changed(step: Augment, batch: Batch, seed: int = 0) -> Batch:
    return step.apply(batch, step.draw(batch, torch.Generator().manual_seed(seed)))


def test_reverse_turns_the_signal_and_leaves_the_padding():
    assert changed(Reverse(p=1), counted(4, 2, 1)).values.tolist() == [[4, 3, 2, 1], [2, 1, 0, 0], [1, 0, 0, 0]]
    batch = counted(7, 5)
    assert torch.equal(changed(Reverse(p=1), changed(Reverse(p=1), batch)).values, batch.values)


def test_polarity_changes_every_sign():
    batch = counted(7, 5)
    assert torch.equal(changed(Polarity(p=1), batch).values, -batch.values)


def test_shift_rolls_or_lets_silence_in():
    batch, hit = counted(5, 5, 3, 5), torch.ones(4, dtype=torch.bool)
    draw = ShiftDraw(hit, torch.tensor([0.4, -0.4, 0.34, 0.0]))
    rolled = Shift(most_share=1).apply(batch, draw)
    assert rolled.values.tolist() == [[4, 5, 1, 2, 3], [3, 4, 5, 1, 2], [3, 1, 2, 0, 0], [1, 2, 3, 4, 5]]
    silent = Shift(most_share=1, edge="zeros").apply(batch, draw)
    assert silent.values.tolist() == [[0, 0, 1, 2, 3], [3, 4, 5, 0, 0], [0, 1, 2, 0, 0], [1, 2, 3, 4, 5]]
    assert torch.equal(silent.lengths, batch.lengths) and torch.equal(rolled.lengths, batch.lengths)
    # Something always stays.
    ends = ShiftDraw(hit, torch.tensor([1.0, -1.0, -1.0, 1.0]))
    assert [row.max() for row in Shift(most_share=1, edge="zeros").apply(batch, ends).values] == [1, 5, 3, 1]
    assert torch.equal(Shift(most_share=1).apply(batch, ends).values, batch.values)


def test_a_shift_goes_no_farther_than_its_share_and_its_seconds():
    for step, most in ((Shift(p=1, most_share=0.25), {40: 10, 8: 2}), (Shift(p=1, most_s=0.4), {40: 4, 8: 4})):
        batch = counted(40, 8, n=1000)
        first = changed(step, batch).values[:, 0].long() - 1
        for length, farthest in most.items():
            # Rolled to the left by the first sample, or to the right by what it lacks.
            found = first[batch.lengths == length]
            found = torch.where(found > length // 2, found - length, found)
            assert found.abs().max() == farthest
            assert len(found.unique()) >= min(length, 2 * farthest)


def test_segments_are_whole_parts_from_anywhere():
    batch = counted(100, 10, n=1000)
    out = changed(Segment(p=1), batch)
    assert out.padded and out.values.shape == batch.values.shape
    for length, shortest, longest in ((100, 30, 89), (10, 3, 8)):
        rows = batch.lengths == length
        clips, lengths = out.values[rows], out.lengths[rows]
        assert (int(lengths.min()), int(lengths.max())) == (shortest, longest)
        starts = clips[:, :1]
        wanted = (starts + torch.arange(100)) * (torch.arange(100) < lengths[:, None])
        assert torch.equal(clips, wanted)
        assert starts.min() == 1 and int((starts[:, 0] - 1 + lengths).max()) == length
    assert int(changed(Segment(p=1), counted(1)).lengths[0]) == 1


def test_cut_out_silences_a_share_in_one_place():
    batch = counted(100, 10, n=500)
    out = changed(CutOut(p=1), batch)
    assert torch.equal(out.lengths, batch.lengths)
    silent = (out.values == 0) & (batch.values != 0)
    assert silent.sum(dim=1).tolist() == [25, 2] * 500
    assert torch.equal(out.values[~silent], batch.values[~silent])
    assert bool((silent.int().diff(dim=1).abs().sum(dim=1) <= 2).all())
    assert silent[::2].any(dim=0).all() and silent[1::2, :10].any(dim=0).all()


def test_chunks_are_whole_and_each_comes_once():
    # 23 samples at 10 Hz have room for four chunks of half a second: 0-4, 5-10, 11-16, 17-22.
    batch = counted(23, 9, 10)
    keys = torch.tensor([[0.5, 0.9, 0.1, 0.3], [0.9, 0.1, 0.2, 0.3], [0.9, 0.1, 0.0, 0.0]], dtype=torch.float64)
    out = ChunkShuffle().apply(batch, ChunkShuffleDraw(torch.ones(3, dtype=torch.bool), keys)).values
    assert out[0].tolist() == [*range(12, 18), *range(18, 24), *range(1, 6), *range(6, 12)]
    assert torch.equal(out[1], batch.values[1])
    assert out[2, :10].tolist() == [*range(6, 11), *range(1, 6)] and not out[2, 10:].any()


def test_every_order_of_chunks_is_as_likely():
    out = changed(ChunkShuffle(p=1), counted(15, n=6000)).values
    orders = (out[:, ::5] // 5).long() @ torch.tensor([9, 3, 1])
    counts = orders.unique(return_counts=True)[1]
    assert len(counts) == 6 and bool(((counts - 1000).abs() < 130).all())
    assert torch.equal(out.sort(dim=1).values, counted(15, n=6000).values)


@pytest.mark.parametrize("step", [Reverse(p=0.3), Polarity(p=0.3), CutOut(p=0.3), Segment(p=0.3), ChunkShuffle(p=0.3)])
def test_p_says_how_many_clips_are_changed(step):
    batch = counted(100, n=2000)
    differs = (changed(step, batch).values != batch.values).any(dim=1).float().mean()
    # Twenty chunks never come out in order.
    assert float(differs) == pytest.approx(0.3, abs=0.04)


def test_gain_by_factors_multiplies_values_as_they_are():
    wave = counted(3, n=4000)
    power = wave.changed(values=wave.values[:, None, None], domain="power")
    step = Gain(p=1, law="factor", low_factor=0.5, high_factor=2)
    for batch in (wave, power):
        factors = changed(step, batch).values.flatten(1)[:, 0]
        assert 0.5 <= float(factors.min()) < 0.51 and 1.99 < float(factors.max()) <= 2.0001
        # Even in the factor, not in decibels, where 1 would be the middle.
        assert float((factors < 1.25).float().mean()) == pytest.approx(0.5, abs=0.03)
    assert torch.equal(changed(Gain(p=0, law="factor"), wave).values, wave.values)


def test_settings_without_meaning_are_refused():
    with pytest.raises(SettingsError, match=r"least_share must not be above most_share, got 0\.95 and 0\.9"):
        read(Segment, {"least_share": 0.95})
    with pytest.raises(SettingsError, match=r"low_factor must not be above high_factor, got 3 and 1\.2"):
        read(Gain, {"low_factor": 3})
    with pytest.raises(SettingsError, match=r"chunks must be at least a sample of 0\.1 s long, got 0\.05 s"):
        ChunkShuffle(chunk_s=0.05).after(Spec("wave", 10.0))
    with pytest.raises(SettingsError, match=r"a shift of at most 0\.05 s is less than a sample of 0\.1 s"):
        Shift(most_s=0.05).after(Spec("wave", 10.0))
    with pytest.raises(SettingsError, match="reverse takes wave, but power comes in"):
        Reverse().after(Spec("power", 10.0, 1, 64))
