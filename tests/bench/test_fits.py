"""Studies: fewer trusted clips of every class but whole folds that judge, and one pace for arms that train alike."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from bench import fits
from bench.fits import Fit, Place, epochs_within, thinned
from bench.studies.arm import Arm
from earmark.core.manifest import Manifest

N = 40


@pytest.fixture
def manifest() -> Manifest:
    """Curated clips of two classes in four folds, the rarer one with three clips, and a noisy one."""
    ids = [f"clip-{number:02d}" for number in range(N)]
    clips = {"id": [*ids, "doubtful"], "file": [*ids, "doubtful"], "origin": ["curated"] * N + ["noisy"]}
    clips |= {"part": ["train"] * (N + 1), "fold": [number % 4 for number in range(N + 1)]}
    labels = {"clip": [*ids, "doubtful"], "label": ["often"] * (N - 3) + ["rarely"] * 3 + ["often"]}
    return Manifest.of(pl.DataFrame(clips), pl.DataFrame(labels), classes=("often", "rarely"))


def n_clips(manifest: Manifest, label: str, *folds: int) -> int:
    clips = manifest.where(origin="curated", fold=folds)
    return len(clips.current().filter(label=label))


def test_one_trusted_clip_in_four_is_left_of_each_class_but_all_of_the_fold_that_judges(manifest: Manifest) -> None:
    few = thinned(manifest, every=4, fold=1)
    assert len(few.where(fold=1)) == len(manifest.where(fold=1))
    assert len(few.where(origin="noisy")) == 1
    for label in ("often", "rarely"):
        assert n_clips(few, label, 0, 2, 3) == -(-n_clips(manifest, label, 0, 2, 3) // 4) > 0
    assert thinned(manifest, every=1, fold=1).ids == manifest.ids


def test_arms_that_train_alike_share_a_pace(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    tried: list[str] = []

    def pace(fit: Fit, place: Place) -> float:
        tried.append(fit.arm.name)
        return 2.0

    monkeypatch.setattr(fits, "_pace", pace)
    place = Place(tmp_path, tmp_path, tmp_path)
    first = Arm("first", "small")
    alike, other, half = first._replace(name="alike", rule="scoring"), first._replace(changes=("seed=2",)), 0.5
    assert [epochs_within(21.0, Fit(arm, "0", 1), place) for arm in (first, alike, other)] == [10, 10, 10]
    assert tried == ["first", "first"]
    assert epochs_within(21.0, Fit(alike._replace(share=half), "0", 1), place) == 5
