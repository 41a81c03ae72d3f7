"""The plan: counts, shares of each kind of labelling, truth, and buckets that never leak."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from earmark.demo.plan import KINDS, N_FOLDS, PlannedClip, draw_plan, part_sizes
from earmark.demo.sounds import out_of_vocabulary, sounds, vocabulary


def planned(size: float = 1.0, seed: int = 0) -> list[PlannedClip]:
    return draw_plan(size, 10.0, "wav", np.random.default_rng([seed, 1]))


@pytest.fixture(scope="module")
def large() -> list[PlannedClip]:
    return planned(10.0)


def test_size_one_is_what_the_settings_say() -> None:
    assert part_sizes(1.0) == {"train_curated": 240, "train_noisy": 720, "test": 200}


@pytest.mark.parametrize("size", [0.001, 0.05, 0.3, 1.0])
def test_every_class_is_labelled_in_every_part(size: float) -> None:
    clips = planned(size)
    for part in KINDS:
        assert {name for clip in clips if clip.part == part for name in clip.labels} == set(vocabulary())


def test_kinds_have_exactly_their_shares(large: list[PlannedClip]) -> None:
    for part, shares in KINDS.items():
        counted = Counter(clip.kind for clip in large if clip.part == part)
        for kind, share in shares.items():
            assert abs(counted[kind] - share * counted.total()) <= 1


def test_labels_stand_to_the_truth_as_their_kind_says(large: list[PlannedClip]) -> None:
    for clip in large:
        labels, truth = set(clip.labels), set(clip.truth)
        assert labels
        assert len(labels) == len(clip.labels)
        assert labels <= set(vocabulary())
        if clip.kind == "right":
            assert labels == truth
        elif clip.kind == "incomplete":
            assert labels < truth
        elif clip.kind == "wrong":
            assert clip.labels[0] not in truth
            assert clip.sources[0] in truth - labels
        else:
            assert not truth
            assert set(clip.sources) <= set(out_of_vocabulary())


def test_clips_have_as_many_labels_as_the_real_thing(large: list[PlannedClip]) -> None:
    def labels_a_clip(part: str) -> float:
        return float(np.mean([len(clip.labels) for clip in large if clip.part == part]))

    assert labels_a_clip("train_curated") == pytest.approx(1.15, abs=0.05)
    assert labels_a_clip("train_noisy") == pytest.approx(1.07, abs=0.05)
    assert labels_a_clip("test") == pytest.approx(1.4, abs=0.05)


def test_wrong_labels_mostly_name_a_class_that_sounds_alike(large: list[PlannedClip]) -> None:
    def alike(clip: PlannedClip) -> bool:
        heard, said = clip.sources[0], clip.labels[0]
        return said in sounds()[heard].like or heard in sounds()[said].like

    share = np.mean([alike(clip) for clip in large if clip.kind == "wrong"])
    assert 0.7 < share < 0.85


def test_buckets_are_as_many_as_folds_at_least_and_folds_are_even(large: list[PlannedClip]) -> None:
    for clips in (large, planned(0.01)):
        assert len({clip.group for clip in clips if clip.part != "test"}) >= N_FOLDS
    for part in ("train_curated", "train_noisy"):
        counted = Counter(clip.fold for clip in large if clip.part == part)
        assert set(counted) == set(range(N_FOLDS))
        assert max(counted.values()) < 1.15 * min(counted.values())


def test_every_class_goes_round_the_folds() -> None:
    seen = {(clip.labels[0], clip.fold) for clip in planned() if clip.part == "train_curated"}
    assert len(seen) == N_FOLDS * len(vocabulary())


def test_names_are_unique_eight_hexadecimal_digits(large: list[PlannedClip]) -> None:
    names = {clip.fname for clip in large}
    assert len(names) == len(large)
    assert all(len(name) == 12 and int(name[:8], 16) >= 0 and name.endswith(".wav") for name in names)


def test_lengths_are_within_bounds_and_sources_are_one_to_three(large: list[PlannedClip]) -> None:
    assert all(0.4 <= clip.seconds <= 10.0 for clip in large)
    assert all(1 <= len(set(clip.sources)) == len(clip.sources) <= 3 for clip in large)
    assert all(clip.seconds <= 1.5 for clip in draw_plan(0.1, 1.5, "wav", np.random.default_rng(0)))


def test_one_setting_scales_every_part(large: list[PlannedClip]) -> None:
    assert Counter(clip.part for clip in large) == {"train_curated": 2400, "train_noisy": 7200, "test": 2000}
