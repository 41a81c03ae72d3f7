"""What the labels say, counted by hand."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from earmark.audit.labels import label_tables, labels_of, short_classes
from earmark.core.manifest import Manifest

CLIPS = {
    # id: part, origin, fold, seconds, labels
    "a": ("train", "curated", 0, 10.0, "Bark Meow"),
    "b": ("train", "curated", 0, 20.0, "Bark"),
    "c": ("train", "curated", 1, 30.0, "Bark Meow"),
    "d": ("train", "noisy", None, 40.0, "Rain"),
    "e": ("train", "noisy", None, 50.0, ""),
    "f": ("test", "curated", None, 60.0, "Meow"),
}


def manifest_of(clips: dict[str, tuple[str, str, int | None, float, str]]) -> Manifest:
    names = ("part", "origin", "fold", "seconds")
    table = pl.DataFrame(
        [{"id": name, "file": name} | dict(zip(names, row[:4], strict=True)) for name, row in clips.items()]
    )
    said = [{"clip": name, "label": label} for name, row in clips.items() for label in row[4].split()]
    labels = pl.DataFrame(said, schema={"clip": pl.String, "label": pl.String})
    return Manifest.of(table, labels, classes=("Rain", "Bark", "Meow", "Never"), root=Path())


TABLES = label_tables(manifest_of(CLIPS))


def test_sets_are_counted() -> None:
    rows = {row["set"]: row for row in TABLES.sets.to_dicts()}
    assert list(rows) == ["curated", "noisy", "test"]
    curated = rows["curated"]
    assert (curated["clips"], curated["labelled"], curated["labels"], curated["classes"]) == (3, 3, 5, 2)
    assert curated["hours"] == pytest.approx(60 / 3600)
    assert curated["labels_a_clip"] == pytest.approx(5 / 3)
    assert curated["density"] == pytest.approx(5 / 3 / 4)
    assert curated["several"] == pytest.approx(2 / 3) and curated["label_sets"] == 2
    assert (rows["noisy"]["clips"], rows["noisy"]["labelled"], rows["noisy"]["labels_a_clip"]) == (2, 1, 1.0)


def test_classes_are_counted_in_every_set() -> None:
    rows = {(row["class"], row["set"]): row for row in TABLES.classes.to_dicts()}
    assert len(rows) == 4 * 3
    assert rows["Bark", "curated"] == {"class": "Bark", "set": "curated", "labels": 3, "alone": 1, "seconds": 60.0}
    assert rows["Rain", "noisy"]["seconds"] == 40.0
    assert rows["Never", "test"]["labels"] == 0 == rows["Rain", "curated"]["labels"]


def test_classes_short_in_a_fold_are_listed_also_where_they_never_come() -> None:
    counts = {(row["class"], row["fold"]): row["labels"] for row in TABLES.folds.to_dicts()}
    assert counts == {
        ("Bark", 0): 2, ("Bark", 1): 1, ("Meow", 0): 1, ("Meow", 1): 1,
        ("Never", 0): 0, ("Never", 1): 0, ("Rain", 0): 0, ("Rain", 1): 0,
    }  # fmt: skip
    short = short_classes(TABLES.folds, 2).select("class", "fold").rows()
    assert ("Bark", 0) not in short and ("Bark", 1) in short and short[0] == ("Never", 0)


def test_clips_by_number_of_labels_and_sets_of_labels() -> None:
    assert TABLES.per_clip.rows() == [
        ("curated", 1, 1),
        ("curated", 2, 2),
        ("noisy", 0, 1),
        ("noisy", 1, 1),
        ("test", 1, 1),
    ]
    assert TABLES.label_sets.rows()[:2] == [("curated", "Bark,Meow", 2), ("curated", "Bark", 1)]


def test_lift_is_how_much_more_often_than_by_chance() -> None:
    (row,) = TABLES.together.to_dicts()
    assert (row["set"], row["a"], row["b"], row["clips"]) == ("curated", "Bark", "Meow", 2)
    assert row["expected"] == pytest.approx(3 * 2 / 3) and row["lift"] == pytest.approx(1.0)


def test_only_what_holds_and_is_present_counts() -> None:
    manifest = manifest_of(CLIPS)
    later = pl.DataFrame(
        {"clip": ["b", "d"], "label": ["Bark", "Meow"], "state": ["absent", "present"], "by": ["me", "me"]}
    )
    revised = manifest.revised(later)
    assert labels_of(revised) == {"a": ("Bark", "Meow"), "c": ("Bark", "Meow"), "d": ("Meow", "Rain"), "f": ("Meow",)}
    rows = {row["set"]: row["labels"] for row in label_tables(revised).sets.to_dicts()}
    assert rows == {"curated": 4, "noisy": 2, "test": 1}


def test_no_labels_at_all() -> None:
    clips = {name: (*row[:4], "") for name, row in CLIPS.items()}
    tables = label_tables(manifest_of(clips))
    assert tables.sets["labels"].sum() == 0 and tables.together.height == 0 == tables.label_sets.height
    assert labels_of(manifest_of(clips)) == {}
    bare = Manifest.of(pl.DataFrame({"id": ["a"], "file": ["a"]}), classes=(), root=Path())
    assert label_tables(bare).classes.height == 0 == label_tables(bare).folds.height
