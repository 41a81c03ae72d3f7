"""Slices: where they come from, where they lie, what is kept of them, and what the authors' code did."""

from __future__ import annotations

import pytest
import torch

from earmark.core.batch import Batch, waves
from earmark.core.errors import SettingsError
from earmark.core.settings import read
from earmark.signal.augment.slice import Slice, SliceDraw
from earmark.signal.step import Spec


def counted(n: int, lengths: tuple[int, ...], width: int = 0) -> Batch:
    """Waves of which each sample says where it is, from 1 on."""
    found = torch.tensor([lengths[i % len(lengths)] for i in range(n)])
    values = torch.arange(1.0, max(*lengths, width) + 1).repeat(n, 1)
    values = values * (values <= found[:, None])
    return waves(values, found, 10.0, tuple(map(str, range(n))), 1)


def sliced(step: Slice, batch: Batch, seed: int = 0) -> Batch:
    return step.apply(batch, step.draw(batch, torch.Generator().manual_seed(seed)))


def runs(batch: Batch) -> list[tuple[int, int, int]]:
    """Of each clip: where what is kept begins in the clip, how much it is, and where it lies; it must be in one run."""
    found = []
    for clip in batch.values:
        there = clip.nonzero()[:, 0]
        first = int(clip[there[0]])
        assert clip[there].tolist() == list(range(first, first + len(there)))
        assert there.tolist() == list(range(int(there[0]), int(there[0]) + len(there)))
        found.append((first - 1, len(there), int(there[0])))
    return found


def test_every_clip_is_as_long_as_the_slice_and_lies_anywhere():
    out = sliced(Slice(p=0, length_s=2), counted(2000, (40, 8)))
    assert out.values.shape == (2000, 20) and out.lengths.unique().tolist() == [20] and not out.padded
    long, short = runs(out)[::2], runs(out)[1::2]
    # Long clips fill the slice, from every place of theirs; short ones lie whole at every place of the slice.
    assert {run[1:] for run in long} == {(20, 0)} and {run[0] for run in long} == set(range(21))
    assert {run[:2] for run in short} == {(0, 8)} and {run[2] for run in short} == set(range(13))
    counts = torch.tensor([run[2] for run in short]).bincount()
    assert float(counts.min()) > 40


def test_additional_slicing_keeps_a_share_of_the_slice_or_of_a_shorter_clip():
    out = sliced(Slice(p=1, length_s=2, least_share=0.25), counted(4000, (40, 8)))
    assert out.values.shape == (4000, 20) and out.lengths.unique().tolist() == [20]
    long, short = runs(out)[::2], runs(out)[1::2]
    assert {run[1] for run in long} == set(range(5, 20)) and {run[1] for run in short} == set(range(2, 8))
    assert all(start + n <= 40 and place + n <= 20 for start, n, place in long)
    assert all(start + n <= 8 and place + n <= 20 for start, n, place in short)
    assert min(run[0] for run in long) == 0 and max(run[0] + run[1] for run in long) == 40
    assert min(run[2] for run in long) == 0 and max(run[2] + run[1] for run in long) == 20


def test_slices_may_reach_beyond_both_ends_into_silence():
    step = Slice(p=0, length_s=2, overhang_share=0.5)
    out = sliced(step, counted(6000, (40, 8)))
    assert out.values.shape == (6000, 20) and out.lengths.unique().tolist() == [20] and not out.padded
    long, short = runs(out)[::2], runs(out)[1::2]
    # As if 10 samples of silence lay on both sides: slices of 40 + 20 begin at 41 places, of 8 + 20 at 9.
    assert {start - place for start, _, place in long} == set(range(-10, 31))
    assert {start - place for start, _, place in short} == set(range(-10, -1))
    assert all(
        n == min((40, 8)[of] - start, 20 - place) for of, some in enumerate((long, short)) for start, n, place in some
    )
    counts = torch.tensor([start - place + 10 for start, _, place in long]).bincount()
    assert float(counts.min()) > 40
    # Too short for an overhang of 5: anywhere in the slice, but whole.
    little = runs(sliced(Slice(p=0, length_s=2, overhang_share=0.25), counted(500, (4,), 40)))
    assert {run[:2] for run in little} == {(0, 4)} and {run[2] for run in little} == set(range(17))


def test_without_a_length_clips_stay_as_long_as_they_are():
    batch = counted(500, (30, 7, 1))
    out = sliced(Slice(p=1), batch)
    assert torch.equal(out.lengths, batch.lengths) and out.padded
    for (_, n, place), length in zip(runs(out), batch.lengths.tolist(), strict=True):
        assert max(1, length // 4) <= n <= length and place + n <= length
    assert torch.equal(sliced(Slice(p=0), batch).values, batch.values)
    some = sliced(Slice(p=0.3), counted(3000, (30,))).values
    assert float((some == 0).any(dim=1).float().mean()) == pytest.approx(0.3 * 0.96, abs=0.03)


def test_a_slice_is_no_longer_than_the_batch():
    out = sliced(Slice(p=0, length_s=9), counted(10, (30, 12)))
    assert out.values.shape == (10, 30) and out.lengths.unique().tolist() == [30]


def test_spectrograms_are_sliced_along_time_with_all_their_bands():
    wave = counted(50, (40, 8))
    spectrogram = wave.changed(values=wave.values[:, None, None].repeat(1, 2, 5, 1), domain="power")
    step = Slice(p=1, length_s=2)
    draw = step.draw(wave, torch.Generator().manual_seed(0))
    one, other = step.apply(wave, draw), step.apply(spectrogram, draw)
    assert torch.equal(other.values, one.values[:, None, None].expand(-1, 2, 5, -1))
    assert torch.equal(other.lengths, one.lengths)


def test_the_authors_code_keeps_bands_instead_of_frames_of_long_clips():
    values = torch.ones(4, 1, 10, 40)
    values[3, ..., 8:] = 0
    batch = waves(values, torch.tensor([40, 40, 40, 8]), 10.0, ("a", "b", "c", "d"), 1).changed(domain="power")
    step = Slice(legacy=True, length_s=2)
    # Of 20 frames 5 are to be kept: those from 2, from 15 (there is no such band), all of them, and 2 of 8.
    draw = SliceDraw(
        torch.tensor([0.25, 0.25, 1.0, 0.25]), torch.zeros(4), torch.tensor([2.5 / 16, 15.5 / 16, 0.0, 0.0])
    )
    out = step.apply(batch, draw).values[:, 0]
    assert out.shape == (4, 10, 20)
    assert out[0, 2:7].eq(1).all() and out[0].sum() == 5 * 20
    assert not out[1].any()
    assert out[2].eq(1).all()
    assert out[3, :, :2].eq(1).all() and out[3].sum() == 2 * 10
    assert Slice(length_s=2).apply(batch, draw).values[0].sum() == 5 * 10


def test_what_makes_no_sense_is_refused():
    with pytest.raises(SettingsError, match="legacy is about clips longer than the slice; give length_s"):
        read(Slice, {"legacy": True})
    for settings in ({"overhang_share": 0.5, "length_s": 2}, {"overhang_share": 0.5, "p": 0}):
        with pytest.raises(
            SettingsError, match="overhang_share is about where slices of length_s lie; give that, and p 0"
        ):
            read(Slice, settings)
    with pytest.raises(SettingsError, match="slice takes power, magnitude or features, but wave comes in"):
        Slice(legacy=True, length_s=2).after(Spec("wave", 8000.0))
    with pytest.raises(SettingsError, match=r"at least a frame of 0\.01 s long, got 0\.001 s; raise length_s"):
        Slice(length_s=0.001).after(Spec("power", 100.0, 1, 64))
