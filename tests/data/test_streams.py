"""Batches by number: which clips come when, and what is cut from each."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from earmark.core.batch import Batch
from earmark.core.chance import Chance
from earmark.core.errors import DataError, SettingsError
from earmark.core.manifest import ORIGINS
from earmark.core.settings import read
from earmark.data.clips import Clips
from earmark.data.crops import Crop
from earmark.data.streams import Stream, StreamSettings, cut
from tests.tiny import RATE_HZ, Memory, clips_of

TENSORS = ("values", "lengths", "targets", "known", "weights", "origins")


def stream(clips: Clips, *, rank: int = 0, world_size: int = 1, seed: int = 0, **settings: Any) -> Stream:
    settings = {"batch_size": 4, "crop": Crop(length_s=0.01), **settings}
    return Stream("it", StreamSettings(**settings), clips, Chance(seed), rank=rank, world_size=world_size)


def ramps(lengths: tuple[int, ...], margin: int = 1000) -> Clips:
    """Clips that are parts of one file, whose every sample says where it lies; none touches another."""
    starts = np.cumsum([margin, *(n + margin for n in lengths)])[:-1]
    clips = clips_of(lengths)
    store = Memory({"file": np.arange(int(starts[-1]) + lengths[-1] + margin, dtype=np.float32)})
    return replace(clips, store=store, files=("file",) * len(lengths), starts=starts)


def same(one: Batch, other: Batch) -> bool:
    return one.ids == other.ids and all(torch.equal(getattr(one, name), getattr(other, name)) for name in TENSORS)


def names_of_passes(made: Stream, n: int, first: int = 0) -> list[list[str]]:
    return [
        [name for place in range(len(made)) for name in made.batch(turn * len(made) + place).ids]
        for turn in range(first, first + n)
    ]


def test_a_batch_is_a_function_of_its_number():
    clips = clips_of(range(100, 200))
    made = [stream(clips).batch(number) for number in range(60)]
    elsewhere = stream(clips)
    for number in (59, 0, 31, 30, 7):
        assert same(elsewhere.batch(number), made[number])
    with ThreadPoolExecutor(4) as pool:
        assert all(map(same, pool.map(elsewhere.batch, range(60)), made))
    assert not same(stream(clips, seed=1).batch(0), made[0])
    assert not same(Stream("other", stream(clips).settings, clips, Chance(0)).batch(0), made[0])


def test_every_clip_comes_once_a_pass_in_an_order_of_its_own():
    made = stream(clips_of((100,) * 24))
    assert len(made) == 6
    passes = names_of_passes(made, 3)
    assert all(sorted(each) == sorted(made.clips.ids) for each in passes)
    assert len({tuple(each) for each in passes}) == 3


def test_a_pass_leaves_out_what_does_not_fill_a_batch_and_other_clips_each_time():
    made = stream(clips_of((100,) * 11))
    passes = names_of_passes(made, 8)
    assert all(len(each) == len(set(each)) == 8 for each in passes)
    left_out = [frozenset(made.clips.ids) - set(each) for each in passes]
    assert len(set(left_out)) > 1


def test_fewer_clips_than_a_batch_holds_come_again_within_it():
    made = stream(clips_of((100,) * 3), batch_size=7)
    assert len(made) == 1 and len(made.batch(0)) == 7
    assert set(Counter(made.batch(0).ids).values()) <= {2, 3}


@pytest.mark.parametrize("crop", [Crop(length_s=0.01), Crop(length_s=None)])
def test_ranks_share_the_batches_of_a_pass(crop):
    clips = clips_of(range(100, 126))
    ranks = [stream(clips, rank=rank, world_size=3, crop=crop) for rank in range(3)]
    whole = stream(clips, batch_size=12, crop=crop)
    for number in range(6):
        parts = [made.batch(number) for made in ranks]
        assert [name for part in parts for name in part.ids] == list(whole.batch(number).ids)
    for passes in zip(*(names_of_passes(made, 2) for made in ranks), strict=True):
        together = [name for each in passes for name in each]
        assert len(together) == len(set(together)) == 24


def test_ranks_cut_the_same_clip_differently():
    clips = ramps((5000,))
    cuts = {float(stream(clips, rank=rank, world_size=4).batch(0).values[0, 0]) for rank in range(4)}
    assert len(cuts) > 1


def test_shares_of_origins_are_kept_whatever_there_is_of_each():
    clips = clips_of((10,) * 100, origins=[0] * 10 + [1] * 90)
    made = stream(clips, origins={"noisy": 1, "curated": 3}, batch_size=50, crop=Crop(length_s=0.001))
    drawn = torch.cat([made.batch(number).origins for number in range(60)])
    assert float((drawn == ORIGINS.index("curated")).float().mean()) == pytest.approx(0.75, abs=0.03)
    only = stream(clips, origins={"noisy": 1})
    assert len(only.clips) == 90 and set(only.batch(0).origins.tolist()) == {ORIGINS.index("noisy")}


def test_an_origin_that_is_absent_may_be_left_out_as_if_it_had_not_been_named():
    clips = clips_of((10,) * 40)
    left = stream(clips, origins={"noisy": 3, "curated": 1}, absent="leave_out", batch_size=8)
    named = stream(clips, origins={"curated": 1}, batch_size=8)
    assert all(left.batch(number).ids == named.batch(number).ids for number in range(7))


def test_once_takes_every_clip_of_all_origins_once_a_pass():
    clips = clips_of((10,) * 40, origins=[0] * 10 + [1] * 25 + [2] * 5)
    made = stream(clips, origins={"noisy": 1, "curated": 3}, sampling="once", batch_size=5, crop=Crop(length_s=0.001))
    one = [name for number in range(7) for name in made.batch(number).ids]
    assert len(made) == 7 and sorted(one) == sorted(f"clip {i}" for i in range(35)), "whatever the shares"
    assert one != [name for number in range(7, 14) for name in made.batch(number).ids], "in another order each time"


def test_balanced_draws_each_class_alike():
    clips = clips_of((10,) * 80)
    targets = np.zeros((80, 3), np.float32)
    targets[:60, 0] = targets[60:76, 1] = targets[76:, 2] = 1
    made = stream(replace(clips, targets=targets), sampling="balanced", batch_size=50, crop=Crop(length_s=0.001))
    drawn = torch.cat([made.batch(number).targets for number in range(60)]).mean(dim=0)
    assert drawn.tolist() == pytest.approx([1 / 3] * 3, abs=0.04)


def test_balanced_draws_clips_without_labels_no_more_than_those_of_the_commonest_class():
    targets = np.zeros((40, 3), np.float32)
    targets[:30, 0] = targets[30:35, 1] = 1
    clips = replace(clips_of((10,) * 40), targets=targets)
    made = stream(clips, sampling="balanced", batch_size=50, crop=Crop(length_s=0.001))
    counts = Counter(name for number in range(80) for name in made.batch(number).ids)
    common = sum(counts[f"clip {i}"] for i in range(30)) / 30
    bare = sum(counts[f"clip {i}"] for i in range(35, 40)) / 5
    assert bare == pytest.approx(common, rel=0.2)


def test_crops_lie_inside_their_clips_and_reach_both_ends():
    lengths = (81, 80, 95, 3000)
    clips = ramps(lengths)
    made = stream(clips)
    first = {name: [] for name in clips.ids}
    for number in range(150):
        batch = made.batch(number)
        assert batch.values.shape == (4, 80) and not batch.padded
        assert bool((batch.values.diff(dim=1) == 1).all())
        for name, values in zip(batch.ids, batch.values, strict=True):
            first[name].append(int(values[0]) - int(clips.starts[clips.ids.index(name)]))
    for name, n in zip(clips.ids, lengths, strict=True):
        assert min(first[name]) >= 0 and max(first[name]) <= n - 80
    assert set(first["clip 0"]) == {0, 1} and set(first["clip 1"]) == {0} and set(first["clip 2"]) == set(range(16))
    assert max(first["clip 3"]) > 2000


@pytest.mark.parametrize(
    ("short", "wanted", "length"),
    [("repeat", [1, 2, 3, 1, 2, 3, 1, 2], 8), ("silence", [1, 2, 3, 0, 0, 0, 0, 0], 8), ("keep", [1, 2, 3], 3)],
)
def test_short_clips_are_repeated_padded_or_masked(short, wanted, length):
    clips = clips_of((3,))
    clips = replace(clips, store=Memory({"clip 0": np.array([1, 2, 3], np.float32)}))
    crop = Crop(length_s=8 / RATE_HZ, short=short)
    batch = cut(clips, crop, np.random.default_rng(0))
    assert batch.values.tolist() == [wanted + [0] * (8 - len(wanted))]
    assert batch.lengths.tolist() == [length] and batch.padded == (short == "keep")
    alone = crop.at_least(np.array([1, 2, 3], np.float32), RATE_HZ)
    assert alone.tolist() == wanted and alone.dtype == np.float32


def test_what_is_not_shorter_is_left_alone():
    wave = np.arange(9, dtype=np.float32)
    for short in ("repeat", "silence", "keep"):
        assert Crop(length_s=8 / RATE_HZ, short=short).at_least(wave, RATE_HZ) is wave
        assert len(Crop(length_s=1.0, short=short).at_least(wave[:0], RATE_HZ)) == 0


def test_a_batch_says_of_its_clips_what_is_known_of_them():
    clips = clips_of((100,) * 9)
    clips = replace(clips, known=np.random.default_rng(0).random((9, 3)) < 0.5)
    batch = stream(clips).batch(1)
    rows = [clips.ids.index(name) for name in batch.ids]
    assert np.array_equal(batch.targets, clips.targets[rows]) and np.array_equal(batch.known, clips.known[rows])
    assert batch.weights.tolist() == [1] * 4 and batch.rate_hz == RATE_HZ and batch.domain == "wave"


@pytest.mark.parametrize("waste", [0.0, 0.2, 0.5])
def test_whole_clips_come_with_their_like_and_padding_is_bounded(waste):
    lengths = tuple(int(n) for n in np.random.default_rng(0).integers(4000, 40000, 48))
    clips = ramps(lengths)
    made = stream(clips, crop=Crop(length_s=None, longest_s=3.0), waste=waste)
    assert sorted(names_of_passes(made, 1)[0]) == sorted(clips.ids)
    for number in range(2 * len(made)):
        batch = made.batch(number)
        width = batch.values.shape[1]
        for name, values, n in zip(batch.ids, batch.values, batch.lengths.tolist(), strict=True):
            row = clips.ids.index(name)
            whole, at = lengths[row], int(values[0]) - int(clips.starts[row])
            assert 1 - n / width <= waste + 1e-3
            assert n == min(whole, width) and 0 <= at <= whole - n and width <= 3 * RATE_HZ
            assert bool((values[:n].diff() == 1).all()) and not values[n:].any()
        assert batch.padded == (min(batch.lengths.tolist()) < width)


@pytest.mark.parametrize(("short", "wanted"), [("repeat", 4000), ("silence", 4000), ("keep", 16)])
def test_one_click_does_not_shorten_the_whole_clips_of_its_batch(short, wanted):
    clips = clips_of((16, 9000))
    batch = cut(clips, Crop(length_s=None, short=short), np.random.default_rng(0), waste=0.2)
    assert batch.lengths.tolist() == [wanted, 5000] and batch.values.shape == (2, 5000)


def test_a_stream_without_clips_is_refused():
    with pytest.raises(DataError, match=r"stream 'it' takes noisy clips, but there is none; leave that origin out"):
        stream(clips_of((100,) * 4), origins={"curated": 1, "noisy": 1})
    with pytest.raises(DataError, match="takes noisy clips"):
        stream(clips_of((100,) * 4), origins={"noisy": 1}, absent="leave_out")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"origins": {"curatd": 1}}, "no origin 'curatd'; did you mean 'curated'"),
        ({"origins": {}}, "needs at least one origin"),
        ({"origins": {"noisy": 0}}, "origins.noisy"),
        ({"batch_size": 0}, "batch_size"),
        ({"crop": {"length_s": 0}}, "crop.length_s"),
    ],
)
def test_settings_without_meaning_are_refused(data, words):
    with pytest.raises(SettingsError) as raised:
        read(StreamSettings, data)
    assert words in str(raised.value)
