"""Manifests and predictions as files: bit for bit what was saved, the old one or the new one, damage said in words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from earmark.core.errors import DataError
from earmark.core.manifest import Manifest
from earmark.core.predictions import Predictions
from earmark.data import tables
from earmark.data.tables import read_manifest, read_predictions, write_manifest, write_predictions

NAME = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=6)
SECONDS = st.floats(0, 1e6) | st.none()
FORMATS: tuple[Literal["csv", "parquet"], ...] = ("csv", "parquet")


def manifest(root: Path, label: str = "Bark") -> Manifest:
    clips = pl.DataFrame(
        {"id": ["b", "a"], "file": ["x/b.wav", "x/a, 'ä'.wav"], "fold": [None, 1], "group": ["g", None]}
    )
    labels = pl.DataFrame({"clip": ["a", "b"], "label": [label, label], "confidence": [1 / 3, None]})
    return Manifest.of(clips, labels, classes=("Rain", "Bark", "Meow, loud"), unlisted={"noisy": "unknown"}, root=root)


def same(one: Manifest, other: Manifest) -> bool:
    facts = [(m.classes, dict(m.unlisted), m.root.resolve()) for m in (one, other)]
    return one.clips.equals(other.clips) and one.labels.equals(other.labels) and facts[0] == facts[1]


@pytest.mark.parametrize("format_", FORMATS)
def test_a_saved_manifest_comes_back(tmp_path: Path, format_: Literal["csv", "parquet"]) -> None:
    one = manifest(tmp_path / "data")
    write_manifest(one, tmp_path / "runs" / "m", format_)
    assert same(read_manifest(tmp_path / "runs" / "m"), one)
    assert not list((tmp_path / "runs" / "m").glob("*.partial"))


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    st.dictionaries(NAME, st.tuples(NAME, SECONDS, NAME | st.none(), SECONDS), min_size=1, max_size=4),
    st.sampled_from(FORMATS),
)
def test_every_cell_comes_back(
    tmp_path_factory: pytest.TempPathFactory, rows: dict[str, tuple[object, ...]], format_: Literal["csv", "parquet"]
) -> None:
    folder = tmp_path_factory.mktemp("m")
    clips = pl.DataFrame(
        [(name, *row) for name, row in rows.items()],
        schema={"id": pl.String, "file": pl.String, "start_s": pl.Float64, "group": pl.String, "seconds": pl.Float64},
        orient="row",
    )
    labels = pl.DataFrame({"clip": list(rows), "label": ["x"] * len(rows)})
    one = Manifest.of(clips, labels, classes=("x",), root=folder)
    write_manifest(one, folder, format_)
    assert same(read_manifest(folder), one)


def test_manifest_and_data_can_be_moved_together(tmp_path: Path) -> None:
    write_manifest(manifest(tmp_path / "home" / "data"), tmp_path / "home" / "runs" / "m")
    assert json.loads((tmp_path / "home" / "runs" / "m" / "manifest.json").read_text())["root"] == "../../data"
    (tmp_path / "home").rename(tmp_path / "elsewhere")
    assert read_manifest(tmp_path / "elsewhere" / "runs" / "m").root == tmp_path / "elsewhere" / "data"


def test_a_manifest_that_shares_no_folder_with_its_data_keeps_the_whole_path(tmp_path: Path) -> None:
    write_manifest(manifest(Path("/somewhere/else")), tmp_path)
    assert read_manifest(tmp_path).root == Path("/somewhere/else")


def test_another_format_takes_the_place_of_the_first(tmp_path: Path) -> None:
    write_manifest(manifest(tmp_path, "Bark"), tmp_path, "csv")
    write_manifest(manifest(tmp_path, "Rain"), tmp_path, "parquet")
    assert read_manifest(tmp_path).labels["label"].to_list() == ["Rain", "Rain"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clips.parquet", "labels.parquet", "manifest.json"]


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("n_written", [0, 1, 2])
def test_a_disk_that_fills_up_leaves_the_former_manifest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, format_: Literal["csv", "parquet"], n_written: int
) -> None:
    one = manifest(tmp_path, "Bark")
    write_manifest(one, tmp_path, format_)
    left = [n_written]

    def full(kind: type, name: str) -> None:
        write = getattr(kind, name)

        def limited(*args: object, **more: object) -> object:
            left[0] -= 1
            if left[0] < 0:
                raise OSError(28, "No space left on device")
            return write(*args, **more)

        monkeypatch.setattr(kind, name, limited)

    full(pl.DataFrame, f"write_{format_}")
    full(tables, "write_text_atomically")  # type: ignore[arg-type]
    with pytest.raises(DataError, match="disk is full"):
        write_manifest(manifest(tmp_path, "Rain"), tmp_path, format_)
    monkeypatch.undo()
    assert same(read_manifest(tmp_path), one)


def test_a_manifest_mended_by_hand_is_read(tmp_path: Path) -> None:
    write_manifest(manifest(tmp_path), tmp_path)
    path = tmp_path / "labels.csv"
    path.write_text("label,clip\nRain,a\n")
    again = read_manifest(tmp_path)
    assert again.labels.select("clip", "label", "state").rows() == [("a", "Rain", "present")]


@pytest.mark.parametrize(
    ("name", "text", "fault"),
    [
        ("manifest.json", None, r"no manifest '.*manifest\.json'"),
        ("manifest.json", "{", "is not JSON from line 1 on"),
        ("manifest.json", "[]", "does not describe a manifest"),
        (
            "manifest.json",
            '{"schema_version": 99, "format": "csv", "root": ".", "classes": []}',
            "has schema version 99",
        ),
        ("labels.csv", None, r"no table '.*labels\.csv'"),
        ("labels.csv", "clip,label\na,Brak\n", "is at fault: clip 'a' has the label 'Brak'"),
        (
            "clips.csv",
            "id,file,start_s\na,a,soon\n",
            "column 'start_s' of '.*' must hold numbers, but row 1 holds 'soon'",
        ),
        ("clips.csv", "id,file,strat_s\na,a,1\n", "'strat_s' that means nothing; did you mean 'start_s'"),
    ],
)
def test_damage_to_a_manifest_is_said(tmp_path: Path, name: str, text: str | None, fault: str) -> None:
    write_manifest(manifest(tmp_path), tmp_path)
    (tmp_path / name).unlink() if text is None else (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match=fault) as caught:
        read_manifest(tmp_path)
    assert caught.value.path is not None


def test_a_damaged_parquet_is_said(tmp_path: Path) -> None:
    write_manifest(manifest(tmp_path), tmp_path, "parquet")
    (tmp_path / "clips.parquet").write_bytes(b"PAR1 and nothing more")
    with pytest.raises(DataError, match="damaged or no parquet file"):
        read_manifest(tmp_path)


FLOATS = st.sampled_from(["float32", "float64"]).flatmap(
    lambda dtype: arrays(dtype, (3, 2), elements=st.floats(allow_nan=False, width=int(dtype[-2:])))  # type: ignore[arg-type]
)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    FLOATS, st.sampled_from([".csv", ".parquet", ".npz"]), st.none() | arrays(np.int64, 3, elements=st.integers(-1, 4))
)
def test_predictions_come_back_bit_for_bit(
    tmp_path_factory: pytest.TempPathFactory, scores: np.ndarray, suffix: str, folds: np.ndarray | None
) -> None:
    path = tmp_path_factory.mktemp("p") / f"scores{suffix}"
    one = Predictions(("a", "b,c", "ä"), ("Bark", 'Meow "loud"'), scores, "softmax_logit", folds, {"run": "x", "n": 3})
    write_predictions(one, path)
    other = read_predictions(path)
    assert (other.ids, other.classes, other.link, other.provenance) == (one.ids, one.classes, one.link, one.provenance)
    assert other.scores.dtype == scores.dtype and other.scores.tobytes() == np.ascontiguousarray(scores).tobytes()
    assert (other.folds is None) == (folds is None)
    assert folds is None or np.array_equal(other.folds, folds)  # type: ignore[arg-type]


def test_a_csv_says_the_very_values_to_anybody(tmp_path: Path) -> None:
    scores = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
    names = tuple(f"{i}.wav" for i in range(50))
    write_predictions(Predictions(names, ("x", "y", "z"), scores), tmp_path / "p.csv")
    (tmp_path / "p.csv.json").unlink()
    other = read_predictions(tmp_path / "p.csv")
    assert other.link == "logit" and np.array_equal(other.scores, scores.astype(np.float64))
    assert np.array_equal(pl.read_csv(tmp_path / "p.csv").drop("fname").to_numpy(), scores)


def test_a_submission_of_somebody_else_is_read_with_the_link_that_is_said(tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text("fname,Bark,Meow\na.wav,1,0.25\n")
    assert read_predictions(tmp_path / "s.csv", link="probability").scores.tolist() == [[1, 0.25]]


@pytest.mark.parametrize(
    ("name", "text", "fault"),
    [
        ("p.txt", "x", r"end in \.csv, \.parquet or \.npz"),
        ("p.csv", None, "no table"),
        ("p.csv", "fname,Bark\na,nan\n", "holds no predictions: 1 scores are NaN"),
        ("p.csv", "fname,Bark\na,loud\n", "must hold numbers, but row 1 holds 'loud'"),
        ("p.csv", "fname,Bark\na,\n", "1 scores are empty"),
        ("p.csv", "name,Bark\na,1\n", "need a column 'fname'"),
        ("p.csv", "fname,Bark\na,1\na,2\n", "'a' comes 2 times"),
        ("p.parquet", "x", "damaged or no parquet"),
        ("p.parquet", None, "no table"),
        ("p.npz", "x", "damaged or no file of predictions"),
        ("p.npz", None, "no file of predictions"),
    ],
)
def test_damage_to_predictions_is_said(tmp_path: Path, name: str, text: str | None, fault: str) -> None:
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match=fault) as caught:
        read_predictions(tmp_path / name)
    assert str(tmp_path) in str(caught.value) and caught.value.path is not None


def test_a_torn_npz_is_said(tmp_path: Path) -> None:
    write_predictions(Predictions(("a",), ("x",), np.zeros((1, 1))), tmp_path / "p.npz")
    data = (tmp_path / "p.npz").read_bytes()
    for end in (0, 10, len(data) // 2, len(data) - 1):
        (tmp_path / "p.npz").write_bytes(data[:end])
        with pytest.raises(DataError, match=r"p\.npz"):
            read_predictions(tmp_path / "p.npz")


def test_the_golden_predictions_are_read(shared_data: Path) -> None:
    golden = read_predictions(shared_data / "fsdkaggle2019_meta" / "golden_predictions" / "submission_v1.csv")
    assert golden.scores.shape == (1120, 80) and golden.scores.dtype == np.float64
