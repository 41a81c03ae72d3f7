"""Laws of manifests: nothing depends on row order, no label is lost, what is unknown is known to be so."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earmark.core.errors import DataError
from earmark.core.manifest import Manifest

CLASSES = ("Bark", "Meow", "Rain")


def table(*rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(list(rows))


def clips(*names: str, **more: Any) -> pl.DataFrame:
    return table(*({"id": name, "file": f"{name}.wav"} for name in names)).with_columns(
        **{name: pl.lit(value) for name, value in more.items()}
    )


def labels(*pairs: tuple[str, str], **more: Any) -> pl.DataFrame:
    return table(*({"clip": clip, "label": label} for clip, label in pairs)).with_columns(
        **{name: pl.lit(value) for name, value in more.items()}
    )


def same(one: Manifest, other: Manifest) -> bool:
    return (
        one.clips.equals(other.clips)
        and one.labels.equals(other.labels)
        and (one.classes, one.unlisted, one.root) == (other.classes, other.unlisted, other.root)
    )


CLIP = st.fixed_dictionaries(
    {
        "file": st.text("ab/", max_size=4),
        "origin": st.sampled_from(["curated", "noisy", "unlabelled"]),
        "part": st.sampled_from(["train", "test"]),
        "group": st.none() | st.sampled_from("gh"),
        "fold": st.none() | st.integers(0, 4),
    }
)
ROWS = st.dictionaries(st.text("abc", min_size=1, max_size=4), CLIP, min_size=1, max_size=8)


@st.composite
def manifests(draw: st.DrawFn) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Two tables that make a manifest."""
    rows = draw(ROWS)
    said = st.tuples(st.sampled_from(sorted(rows)), st.sampled_from(CLASSES), st.integers(0, 2))
    keys = draw(st.sets(said, max_size=8))
    states = {key: draw(st.sampled_from(["present", "absent", "unknown"])) for key in sorted(keys)}
    schema = {
        "id": pl.String,
        "file": pl.String,
        "origin": pl.String,
        "part": pl.String,
        "group": pl.String,
        "fold": pl.Int64,
    }
    return (
        pl.DataFrame([{"id": name, **row} for name, row in rows.items()], schema=schema),
        pl.DataFrame(
            [
                {"clip": clip, "label": label, "revision": rev, "state": state}
                for (clip, label, rev), state in states.items()
            ],
            schema={"clip": pl.String, "label": pl.String, "revision": pl.Int64, "state": pl.String},
        ),
    )


@settings(max_examples=60, deadline=None, derandomize=True)
@given(manifests(), st.integers(0, 99))
def test_row_order_plays_no_part(tables: tuple[pl.DataFrame, pl.DataFrame], seed: int) -> None:
    one = Manifest.of(*tables, classes=CLASSES)
    other = Manifest.of(*(each.sample(fraction=1, shuffle=True, seed=seed) for each in tables), classes=CLASSES)
    assert same(one, other)
    assert list(one.ids) == sorted(one.ids)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(manifests(), st.integers(0, 99))
def test_targets_follow_the_ids_that_are_asked_for(tables: tuple[pl.DataFrame, pl.DataFrame], seed: int) -> None:
    manifest = Manifest.of(*tables, classes=CLASSES, unlisted={"noisy": "unknown"})
    ids = list(manifest.ids)
    random.Random(seed).shuffle(ids)
    values, known = manifest.targets(ids)
    held = {
        (r["clip"], r["label"]): r["state"] for r in manifest.labels.iter_rows(named=True)
    }  # sorted: the last holds
    origins = dict(zip(manifest.ids, manifest.clips["origin"], strict=True))
    for i, name in enumerate(ids):
        for j, label in enumerate(CLASSES):
            state = held.get((name, label), "absent" if origins[name] == "curated" else "unknown")
            assert values[i, j] == (state == "present")
            assert known[i, j] == (state != "unknown")


@settings(max_examples=40, deadline=None, derandomize=True)
@given(manifests())
def test_parts_joined_again_are_the_whole(tables: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    whole = Manifest.of(*tables, classes=CLASSES)
    train, test = whole.where(part="train"), whole.where(part="test")
    assert same(test.joined(train), whole) and same(train.joined(test), whole)
    assert set(train.labels["clip"]) <= set(train.ids)


def test_where_takes_values_lists_and_expressions() -> None:
    manifest = Manifest.of(
        table(
            {"id": "a", "file": "a", "origin": "noisy", "fold": 0},
            {"id": "b", "file": "b", "origin": "noisy", "fold": 1},
            {"id": "c", "file": "c", "origin": "curated", "fold": 1},
            {"id": "d", "file": "d", "origin": "curated", "fold": None},
        ),
        labels(("a", "Bark"), ("c", "Rain")),
        classes=CLASSES,
    )
    assert manifest.where(origin="noisy", fold=[0, 1]).ids == ("a", "b")
    assert manifest.where(fold=1).ids == ("b", "c")
    assert manifest.where(pl.col("fold").is_null()).ids == ("d",)
    assert manifest.where(id=["a", "b"]).labels["clip"].to_list() == ["a"]
    assert len(manifest.where()) == 4 and len(manifest.where(origin=[])) == 0


def test_a_revision_supersedes_and_leaves_what_was_said() -> None:
    manifest = Manifest.of(clips("a", "b"), labels(("a", "Bark"), ("b", "Rain")), classes=CLASSES)
    once = manifest.revised(table({"clip": "a", "label": "Bark", "state": "absent", "by": "me", "confidence": 0.9}))
    twice = once.revised(table({"clip": "a", "label": "Bark", "state": "unknown", "by": "you"}))
    assert manifest.targets().values[0].tolist() == [1, 0, 0]
    assert once.targets().values[0].tolist() == [0, 0, 0] and once.targets().known.all()
    assert twice.targets().known[0].tolist() == [False, True, True]
    told = twice.labels.filter(clip="a").select("state", "by", "revision").rows()
    assert told == [("present", "given", 0), ("absent", "me", 1), ("unknown", "you", 2)]
    assert twice.current().height == 2


def test_what_an_unlisted_label_means_is_up_to_the_origin() -> None:
    three = table(*({"id": origin, "file": origin, "origin": origin} for origin in ("curated", "noisy", "unlabelled")))
    manifest = Manifest.of(three, labels(("noisy", "Rain")), classes=CLASSES, unlisted={"noisy": "unknown"})
    known = dict(zip(manifest.ids, manifest.targets().known.tolist(), strict=True))
    assert known["curated"] == [True, True, True]
    assert known["noisy"] == [False, False, True]


def test_joining_changes_no_target() -> None:
    said: Any = {"noisy": "unknown"}
    curated = Manifest.of(clips("a"), labels(("a", "Bark")), classes=CLASSES)
    noisy = Manifest.of(clips("b", origin="noisy"), labels(("b", "Rain")), classes=CLASSES, unlisted=said)
    for joined in (curated.joined(noisy), noisy.joined(curated)):
        for part in (curated, noisy):
            assert all(np.array_equal(*both) for both in zip(joined.targets(part.ids), part.targets(), strict=True))
    for other in (
        Manifest.of(clips("c", origin="noisy"), classes=CLASSES),
        Manifest.of(clips("c"), classes=CLASSES, unlisted={"noisy": "absent"}),
    ):
        with pytest.raises(DataError, match="clip that is noisy means absent in one manifest and unknown in the other"):
            noisy.joined(other)


def test_clips_of_one_file_share_a_group_unless_they_are_given_others() -> None:
    spans = table(
        {"id": "a", "file": "long", "group": None},
        {"id": "b", "file": "long", "group": None},
        {"id": "c", "file": "visit", "group": "g"},
        {"id": "d", "file": "visit", "group": None},
        {"id": "e", "file": "day", "group": "h"},
        {"id": "f", "file": "day", "group": "i"},
        {"id": "g", "file": "short", "group": None},
    )
    manifest = Manifest.of(spans, classes=CLASSES)
    assert manifest.clips["group"].to_list() == ["long", "long", "g", "g", "h", "i", None]
    assert manifest.where(id="a").clips["group"].to_list() == ["long"]


def test_folds_are_set_for_the_clips_named_and_kept_for_the_others() -> None:
    manifest = Manifest.of(clips("a", "b", "c", fold=3), classes=CLASSES).folded({"c": 0, "a": 1})
    assert manifest.clips["fold"].to_list() == [1, 3, 0]


def test_defaults_and_types_are_filled_in() -> None:
    manifest = Manifest.of(clips("a"), labels(("a", "Rain")), classes=CLASSES, root="somewhere")
    row = manifest.clips.row(0, named=True)
    assert (row["origin"], row["part"], row["start_s"], row["end_s"], row["fold"]) == (
        "curated",
        "train",
        0.0,
        None,
        None,
    )
    said = manifest.labels.row(0, named=True)
    assert (said["state"], said["by"], said["revision"], said["confidence"]) == ("present", "given", 0, None)
    assert manifest.root == Path("somewhere")


def test_a_manifest_may_be_empty() -> None:
    manifest = Manifest.of(pl.DataFrame(schema={"id": pl.String, "file": pl.String}), classes=())
    assert len(manifest) == 0 and manifest.targets().values.shape == (0, 0)
    assert np.asarray(Manifest.of(clips("a"), classes=()).targets().known).shape == (1, 0)


@pytest.mark.parametrize(
    ("clip_table", "label_table", "fault"),
    [
        (clips("a", "a"), None, "listed once, but 'a'"),
        (clips("a", ""), None, "needs a name"),
        (clips("a", file=None), None, "needs a file, but 'a'"),
        (clips("a").drop("file"), None, "needs a column 'file'"),
        (clips("a", orign="noisy"), None, "'orign' that means nothing; did you mean 'origin'"),
        (clips("a", origin="noisey"), None, "no origin 'noisey'; did you mean 'noisy'"),
        (clips("a", part="valid"), None, "no part 'valid'"),
        (clips("a", fold="x"), None, "wrong type"),
        (clips("a", start_s=2.0, end_s=2.0), None, "must end after it starts"),
        (clips("a", start_s=-1.0), None, "at or after 0 s"),
        (clips("a", start_s=float("nan")), None, "the start_s of a clip must be a finite number"),
        (clips("a", end_s=float("inf")), None, "the end_s of a clip must be a finite number"),
        (clips("a"), labels(("a", "Brak")), "'Brak', which is not in the vocabulary; did you mean 'Bark'"),
        (clips("a"), labels(("b", "Bark")), "clips that are not listed, first of 'b'"),
        (clips("a"), labels(("a", "Bark"), ("a", "Bark")), "does so twice"),
        (clips("a"), labels(("a", "Bark"), state="maybe"), "no state 'maybe'"),
        (clips("a"), labels(("a", "Bark"), confidence=1.5), r"lie in \[0, 1\]"),
        (clips("a"), labels(("a", "Bark"), confidence=float("nan")), r"lie in \[0, 1\]"),
        (clips("a"), labels(("a", "Bark")).with_columns(label=pl.lit(None, pl.String)), "needs a label"),
        (clips("a"), labels(("a", "Bark")).with_columns(clip=pl.lit(None, pl.String)), "needs its clip"),
    ],
)
def test_what_cannot_be_is_refused(clip_table: pl.DataFrame, label_table: pl.DataFrame | None, fault: str) -> None:
    with pytest.raises(DataError, match=fault):
        Manifest.of(clip_table, label_table, classes=CLASSES)


def test_faults_of_whole_manifests_are_refused() -> None:
    manifest = Manifest.of(clips("a"), classes=CLASSES)
    with pytest.raises(DataError, match="'Bark' comes more than once"):
        Manifest.of(clips("a"), classes=("Bark", "Bark"))
    with pytest.raises(DataError, match="no origin 'noise'"):
        Manifest.of(clips("a"), classes=CLASSES, unlisted={"noise": "absent"})
    with pytest.raises(DataError, match="no meaning of an unlisted label 'present'"):
        Manifest.of(clips("a"), classes=CLASSES, unlisted={"noisy": "present"})  # type: ignore[dict-item]
    with pytest.raises(DataError, match="no clip 'b' in this manifest"):
        manifest.targets(["b"])
    with pytest.raises(DataError, match="no clip 'b' in this manifest"):
        manifest.folded({"a": 0, "b": 1})
    with pytest.raises(DataError, match="no column 'fild' to choose by; did you mean 'fold'"):
        manifest.where(fild=1)
    for name in ("fname", "fold", "id", "clip"):
        with pytest.raises(DataError, match=f"a class cannot be called '{name}'"):
            Manifest.of(clips("a"), classes=("Bark", name))
    with pytest.raises(DataError, match="listed once"):
        manifest.joined(manifest)
    with pytest.raises(DataError, match="different vocabularies"):
        manifest.joined(Manifest.of(clips("b"), classes=("Bark",)))
    with pytest.raises(DataError, match="different folders"):
        manifest.joined(Manifest.of(clips("b"), classes=CLASSES, root="elsewhere"))
