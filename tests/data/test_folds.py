"""Laws of folds: disjoint, exhaustive, groups whole, labels even, deaf to row order, repeatable from the seed."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earmark.core.errors import DataError, SettingsError
from earmark.core.manifest import Manifest
from earmark.core.settings import Settings, read
from earmark.data.folds.folds import Folds
from earmark.data.folds.given import Given
from earmark.data.folds.holdout import Holdout
from earmark.data.folds.stratified import Stratified
from earmark.data.sources.csv_table import Csv
from earmark.data.sources.fsdkaggle2019 import FSDKaggle2019

CLASSES = ("Bark", "Meow", "Rain", "Tap")


def manifest(n: int = 60, seed: int = 0, *, groups: int = 0, n_test: int = 6, n_noisy: int = 20) -> Manifest:
    """Random clips with none to three labels; with ``groups``, some lie in one of that many."""
    chance = np.random.default_rng(seed)
    group = [f"g{i}" if groups and (i := int(chance.integers(2 * groups))) < groups else None for _ in range(n)]
    clips = pl.DataFrame(
        {
            "id": [f"{i:03d}" for i in chance.permutation(n)],
            "file": [f"{i}.wav" for i in range(n)],
            "part": ["test"] * n_test + ["train"] * (n - n_test),
            "origin": ["curated"] * (n - n_noisy) + ["noisy"] * n_noisy,
            "group": group,
        },
        schema_overrides={"group": pl.String},
    )
    pairs = [(name, CLASSES[j]) for name in clips["id"] for j in range(4) if chance.random() < 0.1 + 0.15 * j]
    return Manifest.of(clips, pl.DataFrame(pairs, schema=["clip", "label"], orient="row"), classes=CLASSES)


def counts(manifest: Manifest, folds: dict[str, int], n_folds: int) -> np.ndarray:
    """[folds, classes]: how many clips of each fold have each label."""
    targets = manifest.targets(list(folds)).values
    where = np.array(list(folds.values()))
    return np.stack([targets[where == fold].sum(axis=0) for fold in range(n_folds)])


def shuffled(manifest: Manifest, seed: int) -> Manifest:
    tables = (each.sample(fraction=1, shuffle=True, seed=seed) for each in (manifest.clips, manifest.labels))
    return Manifest.of(*tables, classes=manifest.classes)


@pytest.mark.parametrize("kind", list(Folds.members()))
@pytest.mark.parametrize("groups", [0, 12])
def test_every_way_covers_the_training_clips_once_and_keeps_groups(kind: str, groups: int) -> None:
    for seed in range(4):
        whole = manifest(seed=seed, groups=groups)
        whole = whole.folded(Stratified(n_folds=3, seed=1).split(whole))  # what is given, for those who take it
        folds = Folds.named(kind)().split(whole)
        assert set(folds) == set(whole.where(part="train").ids)
        assert set(folds.values()) == set(range(len(set(folds.values()))))
        held = (
            whole.where(part="train")
            .clips.drop_nulls("group")
            .with_columns(fold=pl.col("id").replace_strict(folds, return_dtype=pl.Int64))
        )
        assert (held.group_by("group").agg(pl.col("fold").n_unique())["fold"] == 1).all()
        assert Folds.named(kind)().split(shuffled(whole, seed)) == folds
        assert read(Wrapped, {"folds": {"kind": kind}}).folds.split(whole) == folds


class Wrapped(Settings):
    """A recipe with folds in it."""

    folds: Folds


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(10, 80), st.integers(0, 10_000), st.integers(2, 6), st.integers(0, 3))
def test_labels_of_single_clips_are_even(n: int, seed: int, n_folds: int, other: int) -> None:
    one = manifest(n, seed, n_test=0, n_noisy=0)
    folds = Stratified(n_folds=n_folds, seed=other).split(one)
    each = counts(one, folds, n_folds)
    # With four classes on top of one another the greedy deal stays within two of the equal share, and the sizes too.
    assert np.abs(each - each.sum(axis=0) / n_folds).max() <= 2
    assert np.abs(np.bincount(list(folds.values())) - n / n_folds).max() <= 1 + n / 10


def test_clips_without_any_label_are_dealt_out_evenly() -> None:
    ids = [f"{i:03d}" for i in range(53)]
    bare = Manifest.of(pl.DataFrame({"id": ids, "file": ids, "origin": ["unlabelled"] * 53}), classes=CLASSES)
    assert sorted(np.bincount(list(Stratified().split(bare).values()))) == [10, 10, 11, 11, 11]


def test_the_seed_decides_and_nothing_else() -> None:
    one = manifest(200)
    assert Stratified(seed=1).split(one) == Stratified(seed=1).split(one)
    assert Stratified(seed=1).split(one) != Stratified(seed=2).split(one)


def test_curated_folds_do_not_change_when_noisy_clips_come_or_go() -> None:
    whole = manifest(200, groups=0)
    curated = whole.where(origin="curated")
    with_noise, without = Stratified().split(whole), Stratified().split(curated)
    assert {name: with_noise[name] for name in without} == without


def test_holdout_gives_each_fold_its_share() -> None:
    one = manifest(400, n_test=0, n_noisy=0)
    for ratio in ((8, 1, 1), (1, 3)):
        folds = Holdout(ratio=ratio).split(one)
        each = counts(one, folds, len(ratio))
        share = np.array(ratio) / sum(ratio)
        assert np.abs(each - np.outer(share, each.sum(axis=0))).max() <= 2
        assert np.abs(np.bincount(list(folds.values())) - share * 400).max() <= 8


def test_given_folds_are_taken_as_they_are_and_noisy_clips_may_lack_one() -> None:
    one = manifest(40, n_test=5, n_noisy=10)
    chosen = {name: i % 3 for i, name in enumerate(one.where(part="train", origin="curated").ids)}
    assert Given().split(one.folded(chosen)) == chosen


def test_given_folds_that_cannot_be_used_are_refused() -> None:
    one = manifest(40, n_test=5, n_noisy=10)
    curated = one.where(part="train", origin="curated").ids
    with pytest.raises(DataError, match="25 lack it, first '"):
        Given().split(one)
    with pytest.raises(DataError, match="1 lack it"):
        Given().split(one.folded({name: i % 2 for i, name in enumerate(curated[1:])}))
    with pytest.raises(DataError, match="two or more folds were wanted"):
        Given().split(one.folded(dict.fromkeys(curated, 0)))
    clips = one.clips.with_columns(group=pl.lit("g"))
    torn = Manifest.of(clips, one.labels, classes=CLASSES).folded({name: i % 2 for i, name in enumerate(curated)})
    with pytest.raises(DataError, match=r"1 groups .* lie in more than one of the given folds, first 'g'"):
        Given().split(torn)


def test_spans_of_one_file_are_never_parted(tmp_path: Path) -> None:
    rows = [f"{i % 9}.wav,{CLASSES[i % 4]},{i},{i + 1}" for i in range(45)]
    (tmp_path / "spans.csv").write_text("\n".join(["file,labels,start_s,end_s", *rows]))
    spans = Csv(check_files=False).read(tmp_path)
    for folds in (Stratified(n_folds=3), Holdout(ratio=(3, 1))):
        held = spans.folded(folds.split(spans)).clips
        assert (held.group_by("file").agg(pl.col("fold").n_unique())["fold"] == 1).all()
    torn = spans.folded({name: i % 2 for i, name in enumerate(spans.ids)})
    with pytest.raises(DataError, match=r"9 groups \(or files .*first '0\.wav'"):
        Given().split(torn)


def test_folds_that_would_be_empty_are_refused() -> None:
    with pytest.raises(DataError, match=r"5 folds were wanted, but fold . would be empty: there are 4 training clips"):
        Stratified().split(manifest(10, n_test=6, n_noisy=0))
    one = manifest(30, n_test=0)
    together = Manifest.of(one.clips.with_columns(group=pl.lit("g")), one.labels, classes=CLASSES)
    with pytest.raises(DataError, match="there are 1 training clips or groups"):
        Stratified(n_folds=2).split(together)
    with pytest.raises(SettingsError, match=r"ratio"):
        read(Holdout, {"ratio": [1]})
    with pytest.raises(SettingsError, match="n_folds"):
        read(Stratified, {"n_folds": 1})


def test_real_curated_labels_are_within_two_of_even(shared_data: Path) -> None:
    curated = (
        FSDKaggle2019(check_files=False).read(shared_data / "fsdkaggle2019_meta").where(part="train", origin="curated")
    )
    for seed in range(3):
        folds = Stratified(seed=seed).split(curated)
        each = counts(curated, folds, 5)
        deviation = np.abs(each - each.sum(axis=0) / 5)
        assert deviation.max() <= 2 and deviation.mean() < 0.5
        assert np.ptp(np.bincount(list(folds.values()))) <= 25  # of 4964 clips


def test_real_noisy_clips_keep_their_uploaders_together_and_labels_even(shared_data: Path) -> None:
    source = FSDKaggle2019(form="zenodo", check_files=False)
    noisy = source.read(shared_data / "fsdkaggle2019_meta").where(origin="noisy")
    started = time.perf_counter()
    folds = Stratified().split(noisy)
    assert time.perf_counter() - started < 5  # 19 815 clips, 80 classes; a fifth of a second when this was written
    held = noisy.folded(folds).clips
    assert held["group"].n_unique() == 5387
    assert (held.group_by("group").agg(pl.col("fold").n_unique())["fold"] == 1).all()
    each = counts(noisy, folds, 5)
    assert np.abs(each - 60).max() <= 6  # one uploader alone brings up to 58 clips of one class
    assert np.abs(np.bincount(list(folds.values())) - 3963).max() <= 60


def test_the_folds_of_the_miniature_are_given(shared_data: Path) -> None:
    mini = FSDKaggle2019().read(shared_data / "fsdmini")
    folds = Given().split(mini)
    assert np.bincount([folds[name] for name in mini.where(part="train", origin="curated").ids]).tolist() == [
        127,
        126,
        125,
        125,
        125,
    ]
    assert len(folds) == 628 + 1685
