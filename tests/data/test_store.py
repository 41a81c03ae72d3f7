"""Crops out of a packed store are cuts of the clip, whoever reads them; a broken store says what is broken."""

from __future__ import annotations

import json
import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from earmark.core.errors import DataError
from earmark.data.packing import PackSettings, pack
from earmark.data.store import Store, verify

LENGTHS = {"a.wav": 3000, "b.wav": 17, "sub/c.wav": 9000}


@pytest.fixture(scope="module")
def clips() -> dict[str, np.ndarray]:
    """Clips of 16 bits by name."""
    rng = np.random.default_rng(5)
    return {file: rng.integers(-32768, 32768, n).astype(np.int16) for file, n in LENGTHS.items()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, clips: dict[str, np.ndarray]) -> Path:
    """A store of these clips, packed in two sessions."""
    root = tmp_path_factory.mktemp("audio")
    (root / "sub").mkdir()
    for file, signal in clips.items():
        soundfile.write(root / file, signal, 8000)
    folder = tmp_path_factory.mktemp("packed") / "store"
    for files in (["a.wav"], ["b.wav", "sub/c.wav"]):
        pack(files, root, folder, PackSettings(rate_hz=8000), workers=1)
    return folder


@pytest.fixture
def store(folder: Path) -> Store:
    """The store, open."""
    return Store.open(folder)


@pytest.fixture
def own_folder(folder: Path, tmp_path: Path) -> Path:
    """A copy of the store that a test may break."""
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    return tmp_path


def test_it_knows_its_clips(store: Store) -> None:
    assert len(store) == 3
    assert "sub/c.wav" in store
    assert "c.wav" not in store
    assert {file: store.n_samples(file) for file in LENGTHS} == LENGTHS
    assert store.seconds("a.wav") == 0.375
    assert store.rate_hz == 8000
    assert store.table["file"].to_list() == sorted(LENGTHS)
    assert store.quarantine.is_empty()


@settings(max_examples=50, deadline=None)
@given(
    file=st.sampled_from(sorted(LENGTHS)),
    start=st.integers(0, 10_000),
    n_samples=st.integers(0, 10_000),
)
def test_a_crop_is_a_cut_of_the_clip_with_zeros_beyond_its_end(
    folder: Path, clips: dict[str, np.ndarray], file: str, start: int, n_samples: int
) -> None:
    store = Store.open(folder)
    padded = np.pad(clips[file] * np.float32(1 / 32768), (0, 20_000))
    expected = padded[start : start + n_samples]
    assert np.array_equal(store.read(file, start, n_samples), expected)
    place = np.full(n_samples, np.nan, np.float32)
    assert store.read(file, start, out=place) is place
    assert np.array_equal(place, expected)


def test_without_a_length_a_crop_ends_with_the_clip(store: Store, clips: dict[str, np.ndarray]) -> None:
    assert np.array_equal(store.read("a.wav") * 32768, clips["a.wav"])
    assert np.array_equal(store.read("a.wav", 2990) * 32768, clips["a.wav"][2990:])
    assert store.read("a.wav", 5000).shape == (0,)


def test_many_crops_are_the_crops_one_by_one(store: Store) -> None:
    files, starts = ["a.wav", "sub/c.wav", "a.wav", "b.wav"], [0, 8000, 2500, 10]
    many = store.read_many(files, starts, 1500)
    assert many.dtype == np.float32
    for row, file, start in zip(many, files, starts, strict=True):
        assert np.array_equal(row, store.read(file, start, 1500))
    place = np.empty((4, 1500), np.float32)
    assert store.read_many(files, np.array(starts), 1500, out=place) is place
    assert np.array_equal(place, many)
    assert np.array_equal(store.read_many(files, 3, 7)[3], store.read("b.wav", 3, 7))
    assert store.read_many([], [], 5).shape == (0, 5)


def test_places_of_the_wrong_form_and_starts_before_the_clip_are_refused(store: Store) -> None:
    with pytest.raises(DataError, match=r"float32 \[5\], got float64 \[5\]"):
        store.read("a.wav", 0, 5, out=np.empty(5))  # type: ignore[arg-type]
    with pytest.raises(DataError, match=r"float32 \[2, 5\], got float32 \[5, 2\]"):
        store.read_many(["a.wav", "b.wav"], 0, 5, out=np.empty((5, 2), np.float32))
    with pytest.raises(DataError, match="begin at 0 or later"):
        store.read("a.wav", -1, 5)


def test_processes_and_threads_read_the_same(store: Store) -> None:
    files = sorted(LENGTHS) * 40
    expected = store.read_many(files, 100, 700)
    assert np.array_equal(pickle.loads(pickle.dumps(store)).read_many(files, 100, 700), expected)
    fresh = Store.open(store.folder)
    with ThreadPoolExecutor(8) as pool:
        rows = list(pool.map(lambda file: fresh.read(file, 100, 700), files))
    assert np.array_equal(np.stack(rows), expected)


def test_a_clip_that_is_not_there_is_a_sentence(store: Store) -> None:
    with pytest.raises(DataError, match=r"c\.wav is not among the 3 clips of .*, such as a\.wav; pack it first"):
        store.read("c.wav")


def test_a_clip_in_quarantine_is_named_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "text.wav").write_text("dear diary")
    pack(["text.wav"], tmp_path, tmp_path / "store", workers=1)
    with pytest.raises(DataError, match=r"text\.wav is in quarantine .*Format not recognised"):
        Store.open(tmp_path / "store").n_samples("text.wav")


def test_a_shard_that_was_cut_off_or_lost_is_named_and_packing_mends_it(
    own_folder: Path, clips: dict[str, np.ndarray], tmp_path_factory: pytest.TempPathFactory
) -> None:
    shard = own_folder / "shard-00001.i16"
    shard.write_bytes(shard.read_bytes()[:-2])
    with pytest.raises(DataError, match=r"shard-00001\.i16 should hold 18034 bytes and holds 18032") as caught:
        Store.open(own_folder)
    assert caught.value.path == shard
    shard.unlink()
    with pytest.raises(DataError, match=r"shard-00001\.i16 should hold 18034 bytes and holds 0"):
        verify(own_folder)
    root = tmp_path_factory.mktemp("again")
    for file in ("b.wav", "sub/c.wav"):
        (root / file).parent.mkdir(exist_ok=True)
        soundfile.write(root / file, clips[file], 8000)
    assert pack(["b.wav", "sub/c.wav"], root, own_folder, PackSettings(rate_hz=8000), workers=1).n_packed == 2
    mended = Store.open(own_folder)
    assert all(np.array_equal(mended.read(file) * 32768, clips[file]) for file in LENGTHS)


def test_what_is_not_a_store_of_this_version_is_a_sentence(own_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"is not a packed store: it has no store\.json; pack into it first"):
        Store.open(tmp_path / "nowhere")
    content = json.loads((own_folder / "store.json").read_text())
    (own_folder / "store.json").write_text(json.dumps(content | {"schema_version": 99}))
    with pytest.raises(DataError, match="is a store of version 99 and this earmark reads version 1"):
        Store.open(own_folder)
    (own_folder / "store.json").write_text("{}")
    with pytest.raises(DataError, match="does not say its schema_version"):
        Store.open(own_folder)
    (own_folder / "store.json").write_text(json.dumps(content))
    (own_folder / "index.parquet").write_bytes(b"not a table")
    with pytest.raises(DataError, match=r"index\.parquet is damaged .*delete it and pack again"):
        Store.open(own_folder)
    (own_folder / "index.parquet").unlink()
    with pytest.raises(DataError, match="holds no packed clips yet"):
        Store.open(own_folder)


def test_an_index_without_its_columns_is_damaged(own_folder: Path) -> None:
    pl.DataFrame({"file": ["a.wav"]}).write_parquet(own_folder / "index.parquet")
    with pytest.raises(DataError, match="is damaged"):
        Store.open(own_folder)
